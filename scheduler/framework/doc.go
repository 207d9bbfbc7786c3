// Package framework runs scheduling plugins: it is the runtime of the interfaces of k8s.io/kube-scheduler/framework, so
// that a plugin written for kube-scheduler runs here unchanged.
//
// A Framework is one profile: a set of plugins at each extension point, in order and with weights. Every Run method runs
// one extension point with kube-scheduler's meaning of each status code: what ends the point, what skips a coupled
// plugin, what becomes an error, and which plugin is named as the one that said no.
//
// It promises that a plugin which panics fails the attempt of that one pod, with an Error status that names the plugin
// and the extension point, and nothing else. Methods of the plugin's Handle that this scheduler does not support return
// errors that say so, or nil where the interface documents nil as "switched off"; none pretends to have worked.
//
// It owns the pods that wait in Permit and those that may be cancelled in PreBind. It never chooses a node, never talks
// to the queue except through the Environment's Nominator and SetPodActivator, and never writes to the API.
package framework
