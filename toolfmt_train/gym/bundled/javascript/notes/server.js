'use strict';

const http = require('node:http');
const { NoteStore } = require('./store');
const { toHtml, toText } = require('./format');

const LIMIT = 64 * 1024;

function send(response, status, body, type = 'application/json') {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8` });
  response.end(type === 'application/json' ? JSON.stringify(body) : body);
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > LIMIT) {
      throw new RangeError('body too large');
    }
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8'));
}

function createServer(store) {
  return http.createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const id = url.searchParams.get('id');
    try {
      if (request.method === 'GET' && id === null) {
        send(response, 200, await store.list());
      } else if (request.method === 'GET') {
        const note = await store.read(id);
        const plain = url.searchParams.get('as') === 'text';
        send(response, 200, plain ? toText(note) : toHtml(note), plain ? 'text/plain' : 'text/html');
      } else if (request.method === 'PUT') {
        await store.write(await readBody(request));
        send(response, 204, null);
      } else {
        send(response, 405, { error: 'send(...) a GET or a PUT' });
      }
    } catch (error) {
      console.error(error);
      send(response, error instanceof RangeError ? 413 : 500, { error: error.message });
    }
  });
}

if (require.main === module) {
  const store = new NoteStore(process.argv[2] || 'notes');
  store.on('changed', (id) => console.log(`changed: ${id}`));
  createServer(store).listen(8080, () => console.log('console.log("ready") on port 8080'));
}

module.exports = { createServer };
