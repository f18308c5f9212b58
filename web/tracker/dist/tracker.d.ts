/**
 * The public types: what a page may say to the tracker, and what the tracker says to the router.
 * Holds no code, so that every module may import it.
 */
/** Free values of a call. They must survive `JSON.stringify`. */
export type Properties = Record<string, unknown>;
/** What a visitor may have agreed to. */
export type Category = 'analytics' | 'advertising' | 'storage';
/** An answer of the visitor: true granted, false refused; a category that is not named keeps its state. */
export type Consent = Partial<Record<Category, boolean>>;
/** Where the visitor's ids are kept. */
export type Persistence = 'cookie' | 'localStorage' | 'memory';
/** The options of `track('config', KEY, options)`; also JSON in the script's `data-options`. */
export interface Options {
    /** Base address of the router. Default: `data-endpoint`, else the one of the build, else the origin of the script. */
    endpoint?: string;
    /** Path of the batches below the endpoint. Default `/v1/batch`. */
    path?: string;
    /** Count views by itself, also when a single-page application changes its address. Default true. */
    autoTrackPageViews?: boolean;
    /** Track clicks by itself. Default true. */
    autoTrackClicks?: boolean;
    /** Track errors by itself. Default true. */
    autoTrackErrors?: boolean;
    /** Measure engaged time and scroll depth. Default true. */
    autoTrackEngagement?: boolean;
    /** Share of page loads that report web vitals, 0 to 1. Default 1. Not in `tracker.core.js`. */
    sampleVitals?: number;
    /** A label on every event, `context.environment`. Default `development`. */
    environment?: string;
    /** Take the fragment as a part of the address. Default false. */
    hash?: boolean;
    /** Count a view when `replaceState` changes nothing but the query. Default false. */
    countQuery?: boolean;
    /** Where ids are kept. Default `cookie`. */
    persistence?: Persistence;
    /** Domain of the cookies. Default: the widest one that the browser takes. */
    cookieDomain?: string;
    /** The router owns the visitor's id in a cookie that scripts cannot read; none is sent. Default false. */
    cookieHttpOnly?: boolean;
    /** `opt-in`: hold everything until consent is given. Default `opt-out`. */
    consent?: 'opt-in' | 'opt-out';
    /** Take the browser's Do Not Track as a refusal of analytics. Default false. */
    respectDNT?: boolean;
    /** Track automated browsers also where environment is `production`. Default false. */
    allowBots?: boolean;
    /** Take gtag's `event` commands as track calls. Default false. */
    gtagEvents?: boolean;
}
/** The last argument of a call, as Segment has it. */
export interface CallOptions {
    context?: Properties;
    integrations?: Properties;
    timestamp?: string | Date;
    messageId?: string;
}
/** One view of one page; all that happens on it carries its id. */
export interface View {
    id: string;
    page: {
        path: string;
        referrer: string;
        search: string;
        title: string;
        url: string;
    };
    campaign?: Record<string, string> | undefined;
    clickIds?: Record<string, string> | undefined;
}
/** The kinds of Segment's calls. */
export type Kind = 'track' | 'page' | 'identify' | 'group' | 'alias' | 'screen';
/** One event as it is sent, before it is made text. */
export interface Message {
    type: Kind;
    messageId: string;
    timestamp: string | Date;
    anonymousId?: string;
    userId?: string | undefined;
    event?: string;
    name?: string;
    category?: string;
    groupId?: string;
    previousId?: string;
    properties?: Properties;
    traits?: Properties;
    integrations?: Properties | undefined;
    context: Properties;
}
/**
 * An extension: called once with the inside of the tracker, when that runs. A listener of `message` sees every message
 * last, may change it, and stops it by answering false.
 */
export type Plugin = (host: Host) => void;
/** What happens inside: the calls by their name (with the arguments), and `view`, `leave`, `hide`, `message`, `consent`. */
export type Listener = (...args: never[]) => unknown;
/** What a plugin gets. */
export interface Host {
    /** The options, where defaults are not written out. */
    readonly options: Options;
    /** The view that the page is on. */
    view(): View;
    /** Sends a call; returns the message, open to change until the task ends. */
    send(type: Kind, fields: Partial<Message>, options?: CallOptions): Message;
    /** Sends an event that was found without the page's doing. */
    auto(event: string, properties: Properties): Message;
    /** Calls back whenever this happens. */
    on(event: string, listener: Listener): void;
    /** Tells that something happened. */
    emit(event: string, ...args: unknown[]): unknown;
    /** What `track(name, …)` of the data layer can call; a plugin may add to it. */
    readonly commands: Record<string, (...args: never[]) => void>;
}
/** Called when a call was taken into the queue. */
export type Callback = () => void;
/** The person as the tracker knows them. */
export interface User {
    id(): string | undefined;
    anonymousId(): string | undefined;
    traits(): Properties;
}
/** `window.opentrack`, and `window.analytics` where a stub asked for it. The helpers of commerce.ts come on top. */
export interface Tracker {
    track(event: string, properties?: Properties, options?: CallOptions, callback?: Callback): void;
    page(category?: string | Properties, name?: string | Properties, properties?: Properties, options?: CallOptions): void;
    screen(category?: string | Properties, name?: string | Properties, properties?: Properties, options?: CallOptions): void;
    identify(userId?: string | Properties, traits?: Properties, options?: CallOptions, callback?: Callback): void;
    group(groupId: string, traits?: Properties, options?: CallOptions, callback?: Callback): void;
    alias(userId: string, previousId?: string, options?: CallOptions, callback?: Callback): void;
    /** Forgets the person: a new anonymous id and a new session. */
    reset(): void;
    /** Calls back when the tracker runs. */
    ready(callback: Callback): void;
    user(): User;
    on(event: string, listener: Listener): void;
    use(plugin: Plugin): void;
    /** Takes an answer of the visitor. */
    consent(answer: Consent): void;
    /** Grants everything. */
    optIn(): void;
    /** Refuses everything, and remembers that alone. */
    optOut(): void;
    /** Sends what waits. */
    flush(): void;
    /** Starts the tracker; the same as `track('config', KEY, options)`. */
    load(writeKey: string, options?: Options): void;
    /** Segment's ecommerce events, `productViewed({...})` and so on. */
    [helper: string]: (...args: never[]) => unknown;
}

declare global {
  interface Window {
    dataLayer: unknown[];
    opentrack?: Tracker;
    track(command: 'config', writeKey: string, options?: Options): void;
    track(command: 'pageView' | 'click' | 'error', properties?: Properties): void;
    track(command: string, ...args: unknown[]): void;
  }
}
