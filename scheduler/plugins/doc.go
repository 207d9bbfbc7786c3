// Package plugins is the floor on which the rooms of the scheduling plugins lie, one folder each. It has no code.
//
// A plugin implements interfaces of k8s.io/kube-scheduler/framework and is built by a function New of the type
// framework.Factory, or by what its function Factory returns where the plugins of all profiles share something. It imports
// the scheduler's framework, nodeinfo, resources, topologycount and explain where it needs them, never another plugin, and
// never the API. It says no in kube-scheduler's words, because people search for them and tools read them.
//
// A plugin of this module stands in two lists: scheduler/plugins.go builds it, and scheduler/config/defaults.go enables
// it. The tests here compare every plugin with kube-scheduler's own of the same name on random clusters: the same
// verdicts, codes and reasons, the same scores, and the same hints.
package plugins
