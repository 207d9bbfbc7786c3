// Package cronschedule knows when a cron schedule is due, was missed, and is due next.
//
// Schedules are those of https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax, in a time zone or,
// without one, in that of the time that is asked about. Where clocks are put forward, times that do not exist are passed over;
// where they are put back, times that exist twice are due twice.
//
// # What it promises
//
//   - However long nobody looked, there is one time to serve: the latest that has passed. What was missed before it is counted, up
//     to [Many] and one, and never listed: a clock that jumps by years causes no storm.
//   - The work is bounded: some thirty steps through the schedule to find the latest time, and at most a hundred to count.
//   - "@every 1h" counts from what was served last, whatever the deadline.
//   - The time zones are in the program: it needs none of the machine's.
//
// It is pure: the time is the caller's.
package cronschedule
