// Package hugepages knows which huge pages a machine has, and which of them a container and a volume may have.
//
// It is pure but for reading what the kernel tells. Nothing is set aside here: whoever runs the machine does that.
package hugepages
