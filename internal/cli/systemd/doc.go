// Package systemd makes an instance a service of a machine that systemd runs: it writes the unit, asks systemctl for what a
// person asks for, and tells systemd when the process is ready.
//
// The unit of an instance that runs containers takes nothing away from its process, since containers would lack it as well. What
// it does instead, and why, stands beside each option. The unit of one that runs none is shut in as far as systemd can.
//
// The package never looks into an instance, and starts nothing by itself.
package systemd
