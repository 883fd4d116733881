// Echo over TLS: streams, a task per client.
//
//   aionode-tls.mjs echo     prints its port, serves until it is killed
import { run, startServer } from 'aionode';
import { certificate } from './certificate.mjs';
import { echo } from './echo.mjs';

await run(async () => {
  const server = await startServer(echo, '127.0.0.1', 0, { backlog: 1024, ssl: certificate });
  console.log(server.sockets[0].port);
  await server.serveForever();
});
