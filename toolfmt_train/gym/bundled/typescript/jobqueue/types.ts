/** What a job is, and what can happen to it. */

export type JobState = 'waiting' | 'running' | 'done' | 'failed';

export interface Job<Payload = unknown> {
  readonly id: string;
  readonly payload: Payload;
  attempts: number;
  state: JobState;
  error?: string;
}

export interface QueueOptions {
  /** Jobs that run at the same time. */
  concurrency: number;
  /** Milliseconds before a job that failed is tried again; `retryDelay: 0` tries at once. */
  retryDelay: number;
  maxAttempts: number;
}

export type Handler<Payload, Result> = (payload: Payload, signal: AbortSignal) => Promise<Result>;

export class QueueError extends Error {
  constructor(
    message: string,
    readonly jobId?: string,
  ) {
    super(message);
    this.name = 'QueueError';
  }
}

export function isFinished(job: Job): boolean {
  return job.state === 'done' || job.state === 'failed';
}

export const defaultOptions: QueueOptions = {
  concurrency: 2,
  retryDelay: 500,
  maxAttempts: 3,
};
