// Package plugins finds the plugins of a node: it is the kubelet's plugin manager.
//
// A plugin listens at a socket in the node's directory of registrations, plugins_registry, or below that. By the kubelet's API for it
// (pluginregistration v1) it says there what it is, and at which other socket it does its work. It is handed to the Handler of its
// type, and told what has become of that.
//
// It is a loop of package engine, whose keys are paths of sockets. The directory is looked through every second, and what has changed
// there gets a pass:
//
//   - Observe looks which socket there is, and which plugin is registered by that path.
//   - Plan registers what is there and is not registered. What is gone, or has become another socket, is deregistered first.
//   - A registration that fails is tried again, after 1 s, 2 s, and so on up to 16 s.
//
// What it promises: of one path at most one plugin is registered; a plugin that comes back with a new socket is registered anew; a
// handler hears of the end of each plugin whose registration it accepted, unless the agent ends before that. Files that are no sockets,
// and names that begin with a dot, are nothing to it.
//
// It keeps nothing on the disk: an agent that is started anew finds all plugins that are there.
package plugins
