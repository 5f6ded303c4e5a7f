'use strict';

const fs = require('node:fs/promises');
const path = require('node:path');
const { EventEmitter } = require('node:events');

/** Notes as files in a folder, one JSON document each. */
class NoteStore extends EventEmitter {
  constructor(folder) {
    super();
    this.folder = folder;
    this.cache = new Map();
  }

  fileOf(id) {
    if (!/^[a-z0-9-]+$/.test(id)) {
      throw new Error(`bad id: ${id}`);
    }
    return path.join(this.folder, `${id}.json`);
  }

  async read(id) {
    if (this.cache.has(id)) {
      return this.cache.get(id);
    }
    const text = await fs.readFile(this.fileOf(id), 'utf8');
    const note = JSON.parse(text);
    this.cache.set(id, note);
    return note;
  }

  async write(note) {
    // JSON.parse(JSON.stringify(note)) would drop dates, so they are written as text before.
    const text = JSON.stringify({ ...note, changed: new Date().toISOString() }, null, 2);
    await fs.writeFile(this.fileOf(note.id), text, 'utf8');
    this.cache.delete(note.id);
    this.emit('changed', note.id);
  }

  async list() {
    const names = await fs.readdir(this.folder);
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
    return Promise.all(ids.map((id) => this.read(id)));
  }

  async remove(id) {
    await fs.unlink(this.fileOf(id));
    this.cache.delete(id);
    this.emit('removed', id);
  }
}

module.exports = { NoteStore };
