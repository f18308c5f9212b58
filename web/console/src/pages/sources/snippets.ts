// What to paste to send events here.

export interface Snippet {
  key: string;
  title: string;
  about: string;
  text: string;
}

/** Snippets for this router, by the address under which the console was opened. */
export function snippets(origin: string, key: string): Snippet[] {
  return [
    {
      key: 'browser',
      title: 'Browser',
      about: 'Into the head of every page. Views, clicks, errors and web vitals come by themselves.',
      text: `<script async src="${origin}/tracker.js" data-write-key="${key}"></script>`,
    },
    {
      key: 'segment',
      title: 'Segment, browser',
      about: 'The library @segment/analytics-next as it is, with other addresses.',
      text: `import { AnalyticsBrowser } from '@segment/analytics-next'

export const analytics = AnalyticsBrowser.load({
  writeKey: '${key}',
  cdnURL: '${origin}',
})
analytics.page()`,
    },
    {
      key: 'node',
      title: 'Node.js',
      about: 'The library @segment/analytics-node as it is, with another host.',
      text: `import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: '${key}', host: '${origin}' })
analytics.track({ userId: 'u1', event: 'Signed Up', properties: { plan: 'pro' } })`,
    },
    {
      key: 'python',
      title: 'Python',
      about: 'The library segment-analytics-python as it is, with another host.',
      text: `import segment.analytics as analytics

analytics.write_key = '${key}'
analytics.host = '${origin}'
analytics.track('u1', 'Signed Up', {'plan': 'pro'})
analytics.flush()`,
    },
    {
      key: 'curl',
      title: 'curl',
      about: 'One event, from a terminal. The answer {"success":true} means that it is stored.',
      text: `curl -u '${key}:' ${origin}/v1/track \\
  -H 'content-type: application/json' \\
  -d '{"userId":"u1","event":"Signed Up"}'`,
    },
  ];
}
