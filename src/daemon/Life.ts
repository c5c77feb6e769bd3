/** What a daemon logs when its life begins and ends. Commands read it to learn how a daemon ended. */
export const LIFE = {
  up: "anklet is up",
  stopping: "stopping: services are interrupted and clean up",
  draining: "draining: nothing new is taken",
  handingOver: "handing over: services are interrupted, and leave what runs",
  ends: "anklet ends"
} as const
