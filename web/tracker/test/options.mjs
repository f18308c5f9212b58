/** For each option the browser test that fails when the tracker does not obey it: its file and its name. */
export const PROOFS = {
  endpoint: ['events', 'an endpoint of its own wins over the origin of the script'],
  path: ['events', 'an endpoint of its own wins over the origin of the script'],
  autoTrackPageViews: ['views', 'no page view is sent where that is switched off'],
  autoTrackClicks: ['events', 'no click is tracked where that is switched off'],
  autoTrackErrors: ['events', 'no error is tracked where that is switched off'],
  autoTrackEngagement: ['views', 'engagement is not measured where that is switched off'],
  sampleVitals: ['views', 'web vitals are not measured where the sample is empty'],
  environment: ['visitor', 'every event says where and with what it was made'],
  hash: ['views', 'a fragment is a view where it counts with the Navigation API'],
  countQuery: ['views', 'another query by replaceState is a view where queries count'],
  persistence: ['visitor', 'localStorage holds the ids where the page wants that'],
  cookieDomain: ['visitor', 'cookies have the domain that the page wants'],
  cookieHttpOnly: ['visitor', 'the id is left to the router where it owns it'],
  consent: ['visitor', 'what waits for consent is sent with it'],
  respectDNT: ['visitor', 'Do Not Track is a refusal where the page respects it'],
  allowBots: ['visitor', 'a robot is tracked in production where the page wants that'],
  gtagEvents: ['events', 'events of gtag are taken where the page wants that'],
};

/**
 * Every other rule of the tracker, below the file of its browser test and the module of the source that keeps it: the test that
 * fails when it is broken, and the change that breaks it: a text that stands in the module once, and what takes its place.
 */
const BROKEN = {
  delivery: {
    queue: {
      400: ['an answer of 400 is final', '0|408|429|5..', '0|4..|5..'],
      413: ['a batch that is too large is halved', 'status === 413 && flying > 1', 'status === 1'],
      503: ['two refusals with 503 are waited out', '0|408|429|5..', '0|408|429'],
      'two seconds': ['fewer events wait two seconds for each other', 'SOON = 2000', 'SOON = 0'],
      'no preflight': [
        'a batch is simple for the browser: no preflight',
        "method: 'POST',",
        "method: 'POST', headers: { 'content-type': 'application/json' },",
      ],
      'cut connections': ['a cut connection is tried again', '0|408|429|5..', '408|429|5..'],
      '60,000 bytes': ['a body holds 60,000 bytes at most', 'bytes > BODY && end > from', 'false'],
      '70 KB': ['an event of 70 KB goes without keepalive', 'keepalive: bytes <= BODY', 'keepalive: true'],
      beacon: ['a tab that is closed sends what waits', '!n.sendBeacon(url, body)', 'true'],
      'living tabs': ['a living tab keeps its own queue', '|| !free ||', '||'],
      'dead tabs': [
        'without locks a dead tab is one that has not written for five seconds',
        'free === 1 && now()',
        'false && now()',
      ],
      'a thousand': [
        'a thousand events wait at most, and the oldest are dropped and counted',
        'KEPT = 1000',
        'KEPT = 2000',
      ],
      '512 KB': [
        '512 KB wait at most, and the oldest are dropped and counted',
        'KEPT_CHARS = 524288',
        'KEPT_CHARS = 5242880',
      ],
      'twenty at once': ['twenty events are sent without waiting', 'urgent || waiting[19]', 'urgent'],
      'nineteen wait': ['twenty events are sent without waiting', 'waiting[19]', 'waiting[18]'],
      'no more than two seconds': ['fewer events wait two seconds for each other', 'SOON = 2000', 'SOON = 2200'],
      'identify at once': ['an identify is sent at once', '/^[pi]/.test(message.type)', '/^p/.test(message.type)'],
      'Retry-After': ['Retry-After is obeyed', '+after! * 1000 ||', ''],
      'flush waits': ['Retry-After is obeyed', 'if (now() < notBefore) return later();', ''],
      'back online': ['what was told offline is sent when the network is back', "listen(w, 'online', flush);", ''],
      'kept on disk': [
        'a reload while offline keeps what waits',
        "durable() && waiting[0] ? [now(), ...waiting].join('\\n') : ''",
        "''",
      ],
    },
    store: {
      'storage throws': ['events are sent where localStorage throws', "return '';\n  }", 'throw Error();\n  }'],
    },
    core: {
      'left unhidden': [
        'a page that is left without being hidden sends what waits',
        "listen(w, 'pagehide', hide);",
        '',
      ],
    },
  },
  guides: {
    core: {
      'data-write-key': ['plain HTML: the tag alone counts a view', 'writeKey: key, global', 'other: key, global'],
      'data-options': ['plain HTML: the attributes are options', 'parse<Options>(dataset.options)', '{}'],
    },
  },
  events: {
    core: {
      'data-endpoint': ['the address of the router may stand in the tag', '{ endpoint }, parse', 'parse'],
      'data-layer': ['a data layer of another name is followed', "dataset.layer || 'dataLayer'", "'dataLayer'"],
      'one key': ['a second key is ignored with a warning', 'if (key !== writeKey) warn', 'if (!key) warn'],
      'early calls': ['calls before the config are replayed in their order', 'early.forEach', '[].forEach'],
    },
    layer: {
      'google keys': ['the key of a Google product is not the write key', "command === 'config' &&", 'false &&'],
      'arguments object': ['a stub after the script is taken at once', 'entries.forEach(take);', ''],
      'segment stub': [
        "Segment's own stub is left to Segment's script",
        '(list.SNIPPET_VERSION && !loadedByIt)',
        'false',
      ],
    },
    events: {
      'told twice': ['a click told by the page and by the tracker is one', 'other[0] !== manual', '!other'],
      automatic: ['what the tracker sees by itself is marked', 'context: { automatic: true }', ''],
    },
    clicks: {
      'shadow trees': [
        'a click on a drawing in a shadow tree is one of its button',
        'click.composedPath()',
        '[click.target]',
      ],
      'typed text': ['what a visitor typed or chose never leaves', ',input,textarea,select', ''],
      masking: ['addresses and numbers of persons are masked', ".replace(PRIVATE, '***')", ''],
      'data-track-mask': ['the text below a masked element is left out', '[data-track-mask],', ''],
      'data-track-ignore': ['nothing below an ignored element is tracked', "inside('[data-track-ignore]') ||", ''],
      'data-track': ['an element names its event and its properties', "element.getAttribute('data-track') ||", ''],
      'data-track-NAME': ['an element names its event and its properties', '/^data-track-./', '/^never/'],
      outbound: ['a link to another host is told without its query', 'link.host !== location.host', 'false'],
      'query of a link': ['a link to another host is told without its query', '.split(/[?#]/)[0]', ''],
      download: ['a link to a file is a download', 'FILE.test(link.pathname)', 'false'],
      'middle button': ['the middle button follows links alone', 'anchor ? 1 : 0', '1'],
    },
    errors: {
      resources: ['a resource that does not load is an error', 'if (tagName)', 'if (!target)'],
      rejections: ['a rejection is an error', "'unhandledrejection', ({", "'never', ({"],
      repeats: ['repeats of an error are counted and told once', 'count: repeats[key]', ''],
      storm: ['a storm of errors is 25 events at most', 'MOST = 25', 'MOST = 1000'],
    },
    queue: {
      plugins: ['a plugin changes and stops messages', 'if (seal(message)) continue;', 'seal(message);'],
    },
  },
  views: {
    page: {
      'same address': ['pushState to the same address is no view', 'next !== seen && ', ''],
      'late title': [
        'the title is the one that is set after the route changed',
        'setTimeout(tell, 0, false)',
        'tell(false)',
      ],
      'virtual referrer': [
        'the referrer of a virtual page is the one before it',
        'd.referrer : last.url',
        'd.referrer : d.referrer',
      ],
      bfcache: [
        'a page from the back-forward cache is a new view of the same session',
        'event.persisted && tell',
        'false && tell',
      ],
    },
    core: {
      prerender: ['nothing is sent while a page is prerendered', '.prerendering) listen', '.never) listen'],
      'last vitals': [
        'web vitals of a page arrive when it is left',
        "listen(w, 'visibilitychange', () => d.hidden && hide());",
        '',
      ],
    },
    view: {
      'click ids': ['campaign and click ids are read from the address', 'g|fb', 'fb'],
      campaign: ['campaign and click ids are read from the address', ".replace(/^campaign$/, 'name')", ''],
    },
    engagement: {
      'dwell of the page': ['engaged time belongs to the page that was looked at', "on('leave', report);", ''],
      focus: ['the clock of engagement stands still without the focus', '&& d.hasFocus()', ''],
      hidden: ['a tab that was never seen has no engagement', '!d.hidden && ', ''],
      scrolling: ['scrolling is measured', "'scroll']", ']'],
    },
    queue: {
      'view at once': ['a page view is sent at once', '/^[pi]/.test(message.type)', 'false'],
    },
  },
  visitor: {
    store: {
      'life of cookies': [
        'ids are kept in lax first-party cookies of 395 days',
        'MAX_AGE = 34128000',
        'MAX_AGE = 3412800',
      ],
      'no cookies': [
        'localStorage holds the ids where cookies do not',
        'else if (durable()) local(key, value)',
        'else void 0',
      ],
      'widest domain': [
        'cookies have the domain of the whole site',
        "location.hostname.split('.').reverse()",
        '[location.hostname]',
      ],
      'refused domain': [
        'localStorage holds the ids where the browser refuses the domain',
        "taken ? domain : ''",
        'domain',
      ],
      'domain that takes': ['cookies have the domain of the whole site', "return cookie('ot_t');", 'return true;'],
      'trial cookie': ['ids are kept in lax first-party cookies of 395 days', "bake('ot_t', '', 0);", ''],
      'domain of what goes': ['a refusal at the start deletes what the whole site kept', 'if (!domain) widen();', ''],
    },
    ids: {
      timeout: ['half an hour of silence ends a session', 'TIMEOUT = 18e5', 'TIMEOUT = 36e5'],
      'timeout itself': ['exactly half an hour does not end a session', '> TIMEOUT', '>= TIMEOUT'],
      'other campaign': ['another campaign begins another session', '(source && source !== from)', 'false'],
      'same campaign': ['the same campaign again stays in its session', 'source !== from', 'true'],
      reset: ['a reset makes a new visitor and a new session', 'forget(VISITOR, SESSION,', 'forget('],
    },
    events: {
      person: ['a person who was identified stays so over pages', 'userId: ids.person().id,', ''],
    },
    core: {
      'storage refused': [
        'a refusal of storage deletes what is kept',
        'if (storage === false) ids.reset(...queues());',
        '',
      ],
      cookieless: [
        'without storage events are marked for the cookieless id',
        '!durable() && { cookieless: true }',
        'false',
      ],
      'two trackers': [
        'two trackers on a page are one',
        'if (w.opentrack && (w.opentrack as Tracker).load) return;',
        '',
      ],
      robots: ['a robot is not tracked in production', 'n.webdriver &&', 'false &&'],
    },
    consent: {
      remembered: ['a consent with storage is remembered on the next page', 'answers.storage ? JSON', 'false ? JSON'],
      'opt-out': ['an opt-out is remembered and nothing else is', "local(REFUSED, '1');", ''],
      GPC: [
        'what is granted is said under Global Privacy Control',
        '...(n.globalPrivacyControl && { advertising: false })',
        '',
      ],
      'gtag consent': ["gtag's denied default is waited out", 'else waits = 1;', ''],
      'TCF elsewhere': [
        'TCF where the law does not apply changes nothing',
        'if (gdprApplies === false) take(every(true));\n  else if',
        'if',
      ],
      'opt-out obeyed': ['an opt-out is remembered and nothing else is', 'local(REFUSED) ||', ''],
      'gtag refusal': ["gtag's refusal forgets what waited", "granted || mode === 'update'", 'granted'],
      'TCF question': ['TCF is asked, and its purposes 1 and 7 are heard', "eventStatus !== 'cmpuishown'", 'true'],
      'TCF storage': ['TCF is asked, and its purposes 1 and 7 are heard', 'given[1]', 'given[2]'],
      'TCF advertising': ['TCF is asked, and its purposes 4 and 8 are heard', 'given[4]', 'given[5]'],
      'TCF purpose 7': ['TCF is asked, and its purposes 1 and 7 are heard', 'given[7] ||', ''],
      'TCF purpose 8': ['TCF is asked, and its purposes 4 and 8 are heard', '|| given[8]', ''],
      'TCF measurement': ['TCF without measurement is a refusal', '!!(given[7] || given[8])', 'true'],
    },
    queue: {
      'timer of a refusal': [
        'a refusal while an event waits keeps no later one waiting',
        'timer = 0;\n  if (flying',
        'if (flying',
      ],
      'a hundred held': [
        'a hundred events are held for consent, and the oldest are dropped',
        '> BATCH && !gate',
        '> KEPT && !gate',
      ],
      'refusal forgets': [
        'what waits for consent is forgotten with a refusal',
        'pending = [];\n    waiting',
        'waiting',
      ],
    },
  },
};

/** The same as a list. */
export const RULES = Object.entries(BROKEN).flatMap(([file, modules]) =>
  Object.entries(modules).flatMap(([module, rules]) =>
    Object.entries(rules).map(([name, [test, from, to]]) => ({ name, file, module, test, from, to })),
  ),
);
