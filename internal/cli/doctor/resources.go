package doctor

import (
	"fmt"

	"github.com/dustin/go-humanize"
)

// What runs short.

const (
	mebibyte = 1 << 20
	gibibyte = 1 << 30
)

// How little is too little, and how little is soon too little.
const (
	leastMemory, littleMemory = 400 * mebibyte, 1 * gibibyte
	leastDisk, littleDisk     = 500 * mebibyte, 4 * gibibyte
	littleInodesPercent       = 5
	fewFiles, tooFewFiles     = 8192, 1024
	fewWatches                = 65536
	fewInstances              = 512
	manyPIDsPercent           = 75
)

func memory(m Machine) []Finding {
	return look(m.Memory, "memory", func(mem Memory) []Finding {
		what := fmt.Sprintf("%s of %s of memory are available", humanize.IBytes(mem.Available), humanize.IBytes(mem.Total))
		switch {
		case m.Instance.Running: // it has its own already
			return well("%s", what)
		case mem.Available < leastMemory:
			return fail(what, "a control plane takes 400 MiB at rest: it would be killed", "ps aux --sort=-rss | head, and end what is not needed")
		case mem.Available < littleMemory:
			return warn(what, "a control plane takes 400 MiB at rest, and more with many pods", "ps aux --sort=-rss | head, and end what is not needed")
		}
		return well("%s", what)
	})
}

func disk(m Machine) []Finding {
	return look(m.Disk, "the disk", func(d Disk) []Finding {
		what := fmt.Sprintf("%s of %s are free at %s", humanize.IBytes(d.Free), humanize.IBytes(d.Size), d.Path)
		cure := fmt.Sprintf("du -xh --max-depth=2 %s | sort -h | tail, and remove what is not needed; or orrery up --data-dir DIR", d.Path)
		var found []Finding
		switch {
		case d.Free < leastDisk:
			found = fail(what, "etcd stops to write when the disk is full, and the cluster with it", cure)
		case d.Free < littleDisk:
			found = warn(what, "images, logs and the state of the cluster need some gigabytes", cure)
		default:
			found = well("%s", what)
		}
		if d.Inodes > 0 && d.FreeInodes*100 < d.Inodes*littleInodesPercent {
			found = append(found, warn(fmt.Sprintf("%d of %d inodes are free at %s", d.FreeInodes, d.Inodes, d.Path),
				"a disk without inodes takes no file, however much room it has",
				fmt.Sprintf("du -x --inodes --max-depth=2 %s | sort -n | tail, and remove what is not needed", d.Path))...)
		}
		return found
	})
}

func files(m Machine) []Finding {
	return look(m.Files, "the limit on open files", func(f Files) []Finding {
		what := fmt.Sprintf("a process may have %d files open, and %d if it asks", f.Soft, f.Hard)
		switch {
		case f.Hard < tooFewFiles:
			return fail(what, "the API server has a connection open for each watch: it would fail with \"too many open files\"", "ulimit -Hn 65536")
		case f.Hard < fewFiles:
			return warn(what, "with many watches and pods the API server fails with \"too many open files\"", "ulimit -Hn 65536")
		}
		return well("%s", what)
	})
}

func pids(m Machine) []Finding {
	return look(m.PIDs, "the number of processes", func(p PIDs) []Finding {
		what := fmt.Sprintf("%d processes and threads of at most %d", p.Now, p.Most)
		if p.Now*100 >= p.Most*manyPIDsPercent {
			return warn(what, "when there are as many as there may be nothing starts any more, on the whole machine", "sysctl -w kernel.pid_max=4194304")
		}
		return well("%s", what)
	})
}

func inotify(m Machine) []Finding {
	const why = "programs fail with \"too many open files\" or \"no space left on device\" when they watch files, and logs -f shows nothing"
	found := look(m.InotifyInstances, "fs.inotify.max_user_instances", func(s Setting) []Finding {
		switch {
		case s.Value >= fewInstances:
			return well("fs.inotify.max_user_instances is %d", s.Value)
		case m.Containers && s.Writeable:
			return well("fs.inotify.max_user_instances is %d, and is raised at the start", s.Value)
		}
		return warn(fmt.Sprintf("fs.inotify.max_user_instances is %d", s.Value), why, "sysctl -w fs.inotify.max_user_instances=8192")
	})
	return append(found, look(m.InotifyWatches, "fs.inotify.max_user_watches", func(s Setting) []Finding {
		if s.Value >= fewWatches {
			return well("fs.inotify.max_user_watches is %d", s.Value)
		}
		return warn(fmt.Sprintf("fs.inotify.max_user_watches is %d", s.Value), why, "sysctl -w fs.inotify.max_user_watches=524288")
	})...)
}
