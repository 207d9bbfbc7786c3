// Package logs keeps the log files of a node's containers from filling its disk: what the container log manager is in a kubelet.
//
// A log that has grown beyond its size is renamed and the runtime told to open another; of the renamed ones some are kept, all but the
// newest compressed. Logs of instances that nobody can ask for any more are removed. Files are named as the kubelet names them:
// 0.log, 0.log.20060102-150405, 0.log.20060102-150405.gz.
//
// It never touches the log of an instance that runs in any other way, and loses no line: a runtime that does not open another file
// gets the renamed one back.
package logs
