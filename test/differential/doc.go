// Package differential compares the controllers with kube-controller-manager's: the same random scenarios on two API servers, one
// with our loops, one with upstream's controllers of the Kubernetes that we are built from.
//
// # What is done
//
// Each scenario has a seed, a namespace of its own on both servers, and a subject: a kind whose objects users create, change, scale,
// pause, suspend and delete, and whose pods are placed, run, get ready, fail, succeed, are evicted and go. No scheduler and no kubelet
// runs: the scenario is both. All controllers are stopped and run again now and then, while no scenario is in the middle of a step.
//
// A scenario goes step by step. What is done is done on both sides alike; then both have to come to rest, and to look the same: all
// objects of the namespace with their specs, statuses, conditions, revisions, owners and finalizers, and the reasons and sources of Events. What
// was drawn at random is replaced: a name by its prefix and a number that follows from what the object is like, UIDs and addresses by
// whose they are, times by the word TIME. Generations are compared only as observed or not, since they count writes.
//
// A side is at rest when nothing in the namespace has changed for a moment, every work queue has been empty since and lately, and a
// ReplicaSet that is changed all the time has been answered twice since: seconds alone would mean little on a busy machine. Two sides
// that differ are given longer. A kind that acts when time has passed is given that time at each step.
//
// Volumes and nodes are in no namespace: a label says whose scenario's they are, and each is named after it. What autoscalers measure is
// served to both sides by us, and is what the scenario says.
//
// A scenario that ends with nothing to compare, or in which neither side's controllers have done anything, fails: it has compared nothing.
//
// # What it never does
//
// It compares no time, no number of writes, and no state on the way. It does not run loops of certificates, devices, attachments and
// addresses of nodes. Of Events it compares which there are in the namespace, not how often or in which words; those of the API
// server itself do not count.
//
// # What stands
//
// A difference is mended in our controller, or stands with its reason in the doc.go of its room and as a rule in rules_test.go, which
// takes out that difference in that direction and nothing else.
//
// Every run of the tests has a few scenarios of each kind of which many seeds have been looked at. CronJobs, quotas, namespaces,
// autoscalers and volumes are on trial: what has been found there has been dealt with, and only `make test-differential` runs them. Nodes
// that are lost are compared alone, with -differential.nodes, because where scenarios of all kinds keep a machine busy nodes fall silent
// that are well.
//
// A scenario for which an API server has no time, because its disk does not keep up, is skipped, and so is the rest of one in which
// upstream has done what ours never does.
//
// # How to look at a failure
//
// A seed that fails tells what happened in its namespace, and what is to be changed in our objects to make them upstream's. Run it
// alone:
//
//	go test ./test/differential -run 'TestControllersAgreeWithUpstream/Job/seed=17$' -args -differential.all -differential.first=17 -differential.seeds=1
//
// and many of one kind by `make test-differential SEEDS=300 KIND=Job`.
package differential
