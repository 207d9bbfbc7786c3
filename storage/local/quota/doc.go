// Package quota holds directories to a size by the file system's own project quotas.
//
// A directory and all that comes to be below it belong to a project, which is a number, and the kernel refuses what would make the
// project larger than its limit to everybody but who may exceed limits (CAP_SYS_RESOURCE), which a container may not unless it is
// given that. It also knows at any time how large the project is, so that nobody has to walk over the files.
//
// File systems have them where they were made and mounted for it: ext4 with the feature project and the option prjquota, XFS with the
// option prjquota. Elsewhere [Open] says that there are none.
package quota
