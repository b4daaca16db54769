// Runs DynamoDB's stand-in on a core of its own. Ends with the process that started it: then the channel closes.
const dynalite = require('dynalite');

const server = dynalite({ createTableMs: 0, updateTableMs: 0, deleteTableMs: 0 });
// Node.js closes a connection that was idle for five seconds, maybe while a function is about to use it again. DynamoDB waits longer.
server.keepAliveTimeout = 3_600_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; who started this process decides when it ends.
process.on('SIGINT', () => {});
