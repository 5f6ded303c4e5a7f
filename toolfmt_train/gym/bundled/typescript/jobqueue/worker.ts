import { readFile } from 'node:fs/promises';

import { JobQueue } from './queue';
import type { Job } from './types';

interface Page {
  url: string;
  depth: number;
}

const LINK = /href="([^"]+)"/g;

export function linksOf(html: string): string[] {
  return Array.from(html.matchAll(LINK), (match) => match[1] as string);
}

export async function fetchPage(page: Page, signal: AbortSignal): Promise<string[]> {
  if (page.url.startsWith('file:')) {
    return linksOf(await readFile(new URL(page.url), 'utf8'));
  }
  const response = await fetch(page.url, { signal });
  if (!response.ok) {
    throw new Error(`${page.url}: ${response.status}`);
  }
  return linksOf(await response.text());
}

export function crawl(start: string, maxDepth: number): JobQueue<Page, string[]> {
  const queue = new JobQueue<Page, string[]>(fetchPage, { concurrency: 4 });
  const seen = new Set<string>([start]);
  queue.onChange((job: Job) => {
    const page = job.payload as Page;
    if (job.state !== 'done' || page.depth >= maxDepth) {
      return;
    }
    for (const url of queue.result(job.id)) {
      if (!seen.has(url)) {
        seen.add(url);
        queue.add(url, { url, depth: page.depth + 1 });
      }
    }
  });
  queue.add(start, { url: start, depth: 0 });
  console.info(`crawling ${start} — até ${maxDepth} níveis`);
  return queue;
}
