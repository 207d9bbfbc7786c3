// Package instance is a named control plane on this machine: its directory, who runs it, and how it is reached.
//
// An instance is a directory, <data-dir>/<name>. While a process runs the instance it holds the lock of that directory
// and answers on a unix socket in it; both end with the process, however it ends, so a directory whose process was
// killed is simply an instance that is not running. Who holds the lock is found by looking at what processes have open, so a
// process is found, and can be stopped, also when its directory was removed under it or the file with its number is wrong.
//
// Whatever is asked of a process has a deadline: one that is suspended or hangs is an error that says so and what to do.
//
//	kubeconfig    the user's access, as admin
//	settings.json what was chosen at the first start and has to stay: the port, the ranges of addresses
//	lock, pid     held and written by the running process
//	orrery.sock   where the running process tells its state
//	log/          what the process and its children say
//
// It never starts, reads or knows a component: package plane does.
package instance
