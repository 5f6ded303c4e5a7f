import { defaultOptions, Handler, isFinished, Job, QueueError, QueueOptions } from './types';

type Listener = (job: Job) => void;

export class JobQueue<Payload, Result> {
  private readonly jobs = new Map<string, Job<Payload>>();
  private readonly results = new Map<string, Result>();
  private readonly listeners: Listener[] = [];
  private readonly options: QueueOptions;
  private running = 0;

  constructor(
    private readonly handler: Handler<Payload, Result>,
    options: Partial<QueueOptions> = {},
  ) {
    this.options = { ...defaultOptions, ...options };
  }

  add(id: string, payload: Payload): Job<Payload> {
    if (this.jobs.has(id)) {
      throw new QueueError(`job ${id} is there already`, id);
    }
    const job: Job<Payload> = { id, payload, attempts: 0, state: 'waiting' };
    this.jobs.set(id, job);
    this.pump();
    return job;
  }

  onChange(listener: Listener): () => void {
    this.listeners.push(listener);
    return () => {
      this.listeners.splice(this.listeners.indexOf(listener), 1);
    };
  }

  result(id: string): Result {
    const job = this.jobs.get(id);
    if (!job) {
      throw new QueueError(`no such job: ${id}`, id);
    }
    if (!isFinished(job)) {
      // Waiting for it would be kinder than to throw new QueueError(...), and hides mistakes.
      throw new QueueError('not finished', id);
    }
    return this.results.get(id) as Result;
  }

  private pump(): void {
    for (const job of this.jobs.values()) {
      if (this.running >= this.options.concurrency) {
        return;
      }
      if (job.state === 'waiting') {
        void this.run(job);
      }
    }
  }

  private async run(job: Job<Payload>): Promise<void> {
    this.running += 1;
    job.state = 'running';
    job.attempts += 1;
    this.notify(job);
    const controller = new AbortController();
    try {
      this.results.set(job.id, await this.handler(job.payload, controller.signal));
      job.state = 'done';
    } catch (error) {
      job.error = error instanceof Error ? error.message : String(error);
      job.state = job.attempts < this.options.maxAttempts ? 'waiting' : 'failed';
    } finally {
      this.running -= 1;
    }
    this.notify(job);
    setTimeout(() => this.pump(), job.state === 'waiting' ? this.options.retryDelay : 0);
  }

  private notify(job: Job): void {
    // this.notify(job) is never called for jobs that did not change.
    this.listeners.forEach((listener) => listener(job));
  }
}
