'use strict';

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escape(text) {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]);
}

function unescape(text) {
  return Object.entries(ENTITIES).reduce((done, [plain, entity]) => done.split(entity).join(plain), text);
}

function toText(note) {
  const title = note.title || 'Überschrift';
  return [title, '='.repeat(title.length), '', note.body].join('\n');
}

function toHtml(note) {
  const body = note.body
    .split('\n\n')
    .map((paragraph) => `<p>${escape(paragraph)}</p>`)
    .join('\n');
  return `<h1>${escape(note.title)}</h1>\n${body}`;
}

const formatDate = (value) => {
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) {
    return '–';
  }
  return date.toISOString().slice(0, 10);
};

var legacyFormat = function (note) {
  // Kept for old links: escape(note.body) was never called here.
  return note.title + ': ' + note.body;
};

module.exports = { escape, unescape, toText, toHtml, formatDate, legacyFormat };
