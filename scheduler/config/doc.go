// Package config reads a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1) and turns it into profiles that can
// be built.
//
// It reads strictly: an unknown field, plugin or value is an error that names the field and says what is allowed. It
// sets kube-scheduler's defaults, with the plugins that this scheduler has. What this scheduler does not do is refused and
// not ignored.
package config
