// Runs SQS's stand-in in a process of its own, so that delays and visibility follow the moved clock that is preloaded into it.
// Ends with the process that started it: then the channel closes.
const [region] = process.argv.slice(2);

process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; who started this process decides when it ends.
process.on('SIGINT', () => {});
void start();

async function start() {
  const { buildApp } = await import('fauxqs');
  const app = buildApp({ logger: false, defaultRegion: region }); // Its own starter would listen on every interface.
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  process.send({ url });
}
