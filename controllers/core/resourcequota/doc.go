// Package resourcequota says how much of what a ResourceQuota limits is in use. It is kube-controller-manager's
// resourcequota-controller.
//
// It watches ResourceQuotas, Pods, Services and PersistentVolumeClaims, and the metadata of every other kind whose objects some
// quota counts. It owns the status of ResourceQuotas together with the admission of the API server, which charges what is about to
// be created; this loop counts what is there, and so gives back what has gone.
//
// # What it promises
//
//   - status.hard is spec.hard, and status.used has what is in use of each resource in it that can be counted; of one that cannot be
//     counted now it keeps the last that was said, and the pass ends with the error. What a quota does not limit is not told.
//   - Only what matches all scopes of a quota is charged to it. Pods have the scopes Terminating, NotTerminating, BestEffort,
//     NotBestEffort, PriorityClass and CrossNamespacePodAffinity, claims VolumeAttributesClass; what else there is matches no scope.
//   - A pod is charged for what the scheduler keeps for it, overhead included, until it has ended or its deletion has taken longer
//     than its grace twice over; count/pods is charged until it is gone.
//   - count/RESOURCE.GROUP counts objects of any namespaced kind that can be created, listed, watched and deleted, but for Events. The
//     kinds that quotas name are watched from then on, by metadata only: no content of a Secret is held. A kind that the server does
//     not have is looked for again every half a minute, for as long as a quota names it.
//   - A quota is counted anew when something that it counts comes, goes or changes its size, when its limits change, and every five
//     minutes.
//
// # What it waits for
//
// The admission charges an object before it is stored. Counting just then would give back what has been charged, and let more in than
// the quota allows. So nothing is counted within a second after the status has changed, unless counting has been put off for five
// seconds already, or limits have changed.
//
// So what has been charged to a quota for an object that was then refused, as by another quota, is given back a second later. Upstream
// gives it back with its next count of everything, up to five minutes later.
//
// # What it does not do
//
// Pods, Services and claims are those of the naming that the loop runs by. All other kinds are named by the quota, and one that has
// two names in our API server is counted by its first one only, as the admission charges it.
//
// It does not count devices of ResourceClaims by class (CLASS.deviceclass.resource.k8s.io/devices), nor those that ResourceClaims
// take of an extended resource beyond what their pods ask for.
package resourcequota
