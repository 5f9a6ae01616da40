// A TLS server on Node.js: node node_server.js '[{"port": 1, "cert": "FILE", "key": "FILE", …}, …]'
//
// Every other member goes to tls.createServer as it stands (minVersion, ecdhCurve, requestCert …).
'use strict';
const fs = require('fs');
const tls = require('tls');

for (const { port, cert, key, ca, ...options } of JSON.parse(process.argv[2])) {
  const read = { cert: fs.readFileSync(cert), key: fs.readFileSync(key), ca: ca && fs.readFileSync(ca) };
  const server = tls.createServer({ ...read, ...options }, (connection) => connection.end());
  server.on('tlsClientError', (error) => console.log(port, error.code)); // clients that leave after the certificate are what this is for
  server.listen(port, '127.0.0.1');
}
