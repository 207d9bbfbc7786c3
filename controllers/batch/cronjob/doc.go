// Package cronjob makes Jobs when they are due. It is kube-controller-manager's cronjob-controller.
//
// It owns the Jobs that it makes, and the status of CronJobs. It watches CronJobs and the Jobs that they control.
//
// A Job has the name CRONJOB-MINUTES, with the minutes since 1970 of the time that it is for, so that no time is served twice,
// whatever was forgotten; by that name, and the time in its annotations, it is known again. What was served last is read from
// the status and from these Jobs: a status that could not be written is made up for.
//
// # What it promises
//
//   - Of all times that passed while nobody looked, the latest one is served, if it is not too late by startingDeadlineSeconds.
//   - Under Forbid no Job is made while another has not ended, under Replace that one is deleted first.
//   - Jobs that somebody else made for the CronJob are not counted as running, and are cleared away like its own.
//   - Of the Jobs that have ended the newest are kept, by successfulJobsHistoryLimit and failedJobsHistoryLimit.
//   - A CronJob that is suspended, is being deleted, or makes no sense, makes no Jobs. When it is resumed, the latest time that passed
//     meanwhile is served, by the same deadline.
//   - A new schedule counts from what was served last: if it would have been due since, a Job is made at once. Upstream makes it when
//     next something else about the CronJob changes.
//
// # What it says
//
// The status lists the Jobs that run, the last time that was served, and when a Job last succeeded. Events, about the CronJob:
// SuccessfulCreate, FailedCreate, SuccessfulDelete, FailedDelete, SawCompletedJob, MissingJob, UnexpectedJob, JobAlreadyActive,
// MissSchedule, TooManyMissedTimes, UnknownTimeZone, UnsupportedSchedule, UnparseableSchedule and InvalidSchedule. MissSchedule is told whenever
// the latest time is too late; upstream, which looks no further back than the deadline, is mostly silent about that. SawCompletedJob is told also
// of a Job that is cleared away at once, under a history of none; upstream takes that from its list before it looks at what has ended.
package cronjob
