/** The addresses of the page, as moleculer-web writes them, each with the module of its view. */
export const pageViews = {
  "/": "now",
  "/trends": "trends",
  "/funnel": "funnel",
  "/retention": "retention",
  "/paths": "paths",
  "/mail": "mail",
  "/events": "events",
  "/events/:openedEvent": "events",
  "/stories/:openedStory": "events",
  "/saved": "saved",
  "/saved/:openedQuestion": "saved",
  "/pipeline": "health",
  "/admin": "admin",
} as const satisfies Readonly<Record<string, string>>;

export type PageView = (typeof pageViews)[keyof typeof pageViews];
