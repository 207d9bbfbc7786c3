// Package tree copies and measures directories whose content nobody vouches for.
//
// Pods write into the directories while they are read, and may mean harm: a directory that becomes a symbolic link to somewhere else
// on the machine between two looks at it must not lead us there. So everything is reached by [os.Root], which never leaves the
// directory that it was opened for, and no symbolic link is followed.
//
// A copy shares blocks with what it is a copy of where the file system can (reflink), and is a copy of the bytes otherwise, with holes
// left as holes. It has the owners, modes, times, extended attributes and hard links of the original. Sockets, pipes and devices
// are left out. Of files that are written meanwhile it has what was there when each was read, as after a power cut.
package tree
