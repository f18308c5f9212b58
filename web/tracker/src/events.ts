/** Makes messages, and is the place where the parts of the tracker hear of each other. */
import { merge, now, safely, uuid } from './dom';
import * as ids from './ids';
import * as queue from './queue';
import type { CallOptions, Kind, Listener, Message, Options, Properties } from './types';
import { context } from './view';

declare const VERSION: string;

export const options: Options & { path: string; environment: string } = {
  path: '/v1/batch',
  environment: 'development',
};

/** Whether something that is on by default was not switched off. */
export const wanted = (option: 'autoTrackPageViews' | 'autoTrackClicks' | 'autoTrackErrors' | 'autoTrackEngagement') =>
  options[option] !== false;

/** What `track(name, …)` of the data layer can call. */
export const commands: Record<string, (...args: never[]) => void> = {};

const listeners: Record<string, Listener[]> = {};

export const on = (event: string, listener: Listener) => {
  (listeners[event] = listeners[event] || []).push(listener);
};

export const emit = (event: string, ...args: unknown[]) => {
  for (const listener of listeners[event] || []) safely(() => listener(...(args as never[])));
};

/** Sends a call; returns the message, open to change until the task ends. */
export const send = (type: Kind, fields: Partial<Message>, own: CallOptions = {}): Message => {
  const { timestamp, context: said, integrations, messageId } = own;
  const message: Message = {
    type,
    messageId: messageId || 'ot-' + uuid(),
    timestamp: new Date(timestamp || now()).toISOString(),
    userId: ids.person().id,
    integrations,
    ...fields,
    context: {
      ...context(),
      environment: options.environment,
      library: { name: 'opentrack.js', version: VERSION },
      ...said,
    },
  };
  queue.add(message);
  return message;
};

/** Sends an event that the tracker found by itself. */
export const auto = (event: string, properties: Properties) =>
  send('track', { event, properties }, { context: { automatic: true } });

const told = new Map<string, { manual: boolean; properties: Properties }>();

/**
 * Whether the page and the tracker itself have now both told of the same thing, under one of these keys and within this
 * time (ms; 0: in one task). What the page says wins, while the message is open.
 */
export const twice = (of: string[], manual: boolean, properties: Properties, within: number): boolean => {
  for (const key of of) {
    const other = told.get(key);
    if (other && other.manual !== manual) {
      merge(other.properties, properties, !manual && { ...other.properties });
      for (const [key, entry] of told) if (entry === other) told.delete(key);
      return true;
    }
  }
  const entry = { manual, properties };
  for (const key of of) {
    told.set(key, entry);
    setTimeout(() => told.get(key) === entry && told.delete(key), within);
  }
  return false;
};
