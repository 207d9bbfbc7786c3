// Package config reads a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1) and turns it into profiles that can
// be built.
//
// It reads strictly: an unknown field, plugin or value is an error that names the field and says what is allowed. It
// sets and checks what kube-scheduler does, and differs in what follows:
//
//   - There is no leader election unless it is asked for: kube-scheduler expects to run several times, but a lease left
//     behind would delay the restart of a single one.
//   - clientConnection and the debugging settings stay as they are written. Without a qps, requests are not limited on
//     this side: the API server's priority and fairness does that. Profiles are not served here.
//   - delayCacheUntilActive changes nothing: a candidate that waits for the lead knows the cluster already.
//   - A plugin that does not exist, a negative weight, and times of leader election that cannot work are errors of the
//     configuration, where kube-scheduler notices them later.
//   - GangScheduling is a default plugin, last of all, as in a kube-scheduler with the feature gate GenericWorkload, which
//     is off there by default: a cluster that has pod groups has them scheduled.
//   - profiles[].plugins may name the plugins that this scheduler has: all of kube-scheduler's default ones are among them.
package config
