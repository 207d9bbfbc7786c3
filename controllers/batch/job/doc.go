// Package job runs the pods of Jobs until enough of them have succeeded, or too many have failed. It is kube-controller-manager's
// job-controller, but for pods that no Job looks after any more: those are room batch/orphanedjobpods'.
//
// It owns the pods of Jobs, their finalizer batch.kubernetes.io/job-tracking, and the status of Jobs. It watches Jobs, the pods that they
// control, and pods which nobody controls and a Job selects.
//
// # How pods are counted
//
// Each pod is counted once, whatever is deleted, forgotten or restarted. A pod has the finalizer from its creation on. When it has ended,
// its UID is written into status.uncountedTerminatedPods, then its finalizer goes, and then its UID becomes a number in status.succeeded
// or status.failed. Of an Indexed Job the index of a pod that succeeded is written into status.completedIndexes instead: an index does not
// succeed twice. What has ended is written down before anything else is done.
//
// # How a Job ends
//
// A verdict is written first (SuccessCriteriaMet or FailureTarget), and all pods that still run are deleted. When none is left and all
// are counted, it becomes Complete or Failed, with the same reason and message, for good.
//
//	PodFailurePolicy           a pod failed as a rule with the action FailJob says
//	BackoffLimitExceeded       more pods failed than backoffLimit, or containers restarted as often under restartPolicy OnFailure
//	DeadlineExceeded           activeDeadlineSeconds have passed since it began, or was resumed
//	MaxFailedIndexesExceeded   more indexes failed than maxFailedIndexes
//	FailedIndexes              all indexes have ended, and some have failed
//	SuccessPolicy              the indexes that a rule names have succeeded
//	CompletionsReached         completions pods have succeeded; or, without completions, one has and none runs any more
//
// # What it promises
//
//   - Never more than parallelism pods run, nor more than successes are missing; of an Indexed Job one an index.
//   - Pods that take the place of failed ones wait: 10 s after one failure since the last success, then twice as long each time, up to
//     10 min; with backoffLimitPerIndex for each index by itself.
//   - Under podReplacementPolicy Failed a pod is replaced when it has failed, and not before; else when it is being deleted.
//   - status.failedIndexes are indexes that failed by themselves; upstream names some more of those that are stopped with their Job.
//     What is stopped because the Job has failed is counted as failed pods, and what is stopped because enough have succeeded, or goes
//     along with a Job that is deleted, is not counted.
//   - A Job that is suspended has no pods, and its time does not count. What is deleted for that is no failure.
//   - At most 500 pods are created, deleted or counted in one pass.
//   - A Job of another manager (spec.managedBy) is left alone.
//   - A Job that is stored without a selector, as custom resources are, has the pods that bear its UID, as if it had been given one.
//
// The back-off is read from the pods that failed, and needs no memory; a pod that somebody removes takes its share of it along.
//
// # What it says
//
// Conditions: the two above of each end, and Suspended. Events, about the Job: SuccessfulCreate, FailedCreate, SuccessfulDelete,
// FailedDelete, Completed, Suspended, Resumed, TooManySucceededPods, UnknownCompletionMode, InvalidSelector, and the reason of a failure.
package job
