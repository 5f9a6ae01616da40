// What Node.js is shown by a TLS server: node node_client.js PORT NAME [OPTIONS AS JSON]; prints the group, then the chain as PEM.
'use strict';
const tls = require('tls');

const [port, servername, options] = process.argv.slice(2);
const ask = { host: '127.0.0.1', port, servername, rejectUnauthorized: false, ...JSON.parse(options || '{}') };
const connection = tls.connect(ask, () => {
  console.log(connection.getProtocol(), connection.getEphemeralKeyInfo().name);
  for (let one = connection.getPeerCertificate(true), last; one !== last; [last, one] = [one, one.issuerCertificate])
    console.log(`-----BEGIN CERTIFICATE-----\n${one.raw.toString('base64')}\n-----END CERTIFICATE-----`);
  connection.end();
});
