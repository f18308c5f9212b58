/** Makes messages, and is the place where the parts of the tracker hear of each other. */
import { merge, safely, uuid } from './dom';
import * as ids from './ids';
import * as queue from './queue';
import type { CallOptions, Kind, Listener, Message, Options, Properties } from './types';
import { context } from './view';

declare const VERSION: string;

export const options: Options & { path: string; environment: string } = {
  path: '/v1/batch',
  environment: 'development',
};

/** What `track(name, …)` of the data layer can call. */
export const commands: Record<string, (...args: never[]) => void> = {};

const listeners: Record<string, Listener[]> = {};

export const on = (event: string, listener: Listener) => {
  (listeners[event] = listeners[event] || []).push(listener);
};

/** Tells all listeners; whether one of them answered false. */
export const emit = (event: string, ...args: unknown[]) =>
  (listeners[event] || []).filter((listener) => safely(() => listener(...(args as never[]))) === false)[0];

/** Sends a call; returns the message, open to change until the task ends. */
export const send = (type: Kind, fields: Partial<Message>, own: CallOptions = {}): Message => {
  const message: Message = {
    type,
    messageId: 'ot-' + uuid(),
    timestamp: new Date(),
    userId: ids.person().id,
    ...fields,
    ...own,
    context: {
      ...context(),
      environment: options.environment,
      library: { name: 'opentrack.js', version: VERSION },
      ...own.context,
    },
  };
  queue.add(message);
  return message;
};

/** Sends an event that the tracker found by itself. */
export const auto = (event: string, properties: Properties) =>
  send('track', { event, properties }, { context: { automatic: true } });

const told: Record<string, [manual: boolean, properties: Properties]> = {};

/**
 * Whether the page and the tracker itself have now both told of the same thing, under one of these keys and within this
 * time (ms; 0: in one task). What the page says wins, while the message is open.
 */
export const twice = (of: string[], manual: boolean, properties: Properties, within: number) => {
  for (const key of of) {
    const other = told[key];
    delete told[key];
    if (other && other[0] !== manual) return merge(other[1], properties, !manual && { ...other[1] });
  }
  for (const key of of) {
    told[key] = [manual, properties];
    setTimeout(() => delete told[key], within);
  }
  return;
};
