// Package instance is a named control plane on this machine: its directory, who runs it, and how it is reached.
//
// An instance is a directory, <data-dir>/<name>. While a process runs the instance it holds the lock of that directory
// and answers on a unix socket in it; both end with the process, however it ends, so a directory whose process was
// killed is simply an instance that is not running.
//
//	kubeconfig    the user's access, as admin
//	settings.json what was chosen at the first start and has to stay (the port)
//	lock, pid     held and written by the running process
//	orrery.sock   where the running process tells its state
//	log/          what the process and its children say
//
// It never starts, reads or knows a component: package plane does.
package instance
