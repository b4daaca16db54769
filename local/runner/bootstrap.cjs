// What AWS Lambda's Node.js runtime is to a function: loads the handler and asks the Runtime API for one event after the other.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
const http = require('node:http');
const path = require('node:path');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
// One connection a call: one kept open while the handler runs may be closed by the other side just as it is used again.
const agent = new http.Agent({ keepAlive: false });
const base = '/2018-06-01/runtime';

// Standard input closes when the runner is gone, however it went: no function outlives it.
process.stdin.on('end', () => process.exit(0)).resume();
// Ctrl-C reaches the whole process group; the runner decides when a function ends.
process.on('SIGINT', () => {});

function call(method, route, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path: base + route, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    request.on('error', reject);
    request.end(body);
  });
}

function describe(error) {
  const isError = error instanceof Error;
  return JSON.stringify({
    errorType: isError ? error.name : typeof error,
    errorMessage: isError ? error.message : String(error),
    trace: isError ? String(error.stack).split('\n') : [],
  });
}

function contextOf(headers) {
  const deadlineMs = Number(headers['lambda-runtime-deadline-ms']);
  return {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    callbackWaitsForEmptyEventLoop: true,
    // The deadline is wall time, and `Date` may have been moved: `performance` never is.
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - (performance.timeOrigin + performance.now())),
  };
}

async function load() {
  const [file, name] = process.env['_HANDLER'].split(/\.(?=[^.]*$)/);
  const handler = require(path.join(process.env.LAMBDA_TASK_ROOT, file))[name];
  if (typeof handler !== 'function') throw new TypeError(`${process.env['_HANDLER']} is not a function`);
  return handler;
}

async function run() {
  let handler;
  try {
    handler = await load();
  } catch (error) {
    console.error(error);
    await call('POST', '/init/error', describe(error));
    process.exit(1);
  }
  for (;;) {
    const { headers, body } = await call('GET', '/invocation/next');
    const invocation = `/invocation/${headers['lambda-runtime-aws-request-id']}`;
    let answer;
    try {
      answer = ['response', JSON.stringify((await handler(JSON.parse(body), contextOf(headers))) ?? null)];
    } catch (error) {
      console.error(error);
      answer = ['error', describe(error)];
    }
    await call('POST', `${invocation}/${answer[0]}`, answer[1]);
  }
}

// The Runtime API is gone: so is the runner.
run().catch((error) => {
  console.error(error);
  process.exit(1);
});
