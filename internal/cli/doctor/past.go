package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What the past has left: the clock, and an instance that died.

// littleTime is a difference between clocks that does not matter.
const littleTime = time.Minute

func clock(m Machine) []Finding {
	return look(m.Clock, "the clock", func(c Clock) []Finding {
		ahead := c.NewestFile.Sub(m.Now)
		switch {
		case ahead > littleTime:
			return fail(fmt.Sprintf("the clock says %s, but something of ours was written at %s", m.Now.Format(time.DateTime), c.NewestFile.Format(time.DateTime)),
				"certificates are not valid yet by such a clock, so that no part trusts another",
				"timedatectl set-ntp true, or date --set")
		case c.Jumped.Abs() > littleTime:
			return warn(fmt.Sprintf("the clock was set by %s while the instance ran", c.Jumped.Round(time.Second)),
				"leases, tokens and back-offs are counted by the clock: nodes may seem dead, or tokens be over",
				"orrery down && orrery up, once the clock is right")
		case !c.Synchronized:
			return []Finding{{Level: OK, What: "nobody keeps the clock right: other machines would not agree on the time"}}
		}
		return well("the clock is kept right")
	})
}

func leftovers(m Machine) []Finding {
	return look(m.Leftovers, "what is left of the instance", func(l Leftovers) []Finding {
		name := m.Instance.Name
		switch {
		case m.Instance.Running:
			return well("instance %s runs", name)
		case len(l.Processes) > 0 && m.Instance.Exists:
			return warn(fmt.Sprintf("%d processes of instance %s run on, and the instance does not", len(l.Processes), name),
				"it was killed, and its containers go on: 'up' takes them over",
				fmt.Sprintf("orrery up --name %[1]s, or to end them: orrery down --name %[1]s", name))
		case m.Instance.Exists:
			return well("instance %s is stopped; 'orrery reset' would remove it", name)
		}
		things, cures := l.things()
		if len(things) == 0 {
			return well("nothing is left of an instance %s", name)
		}
		return warn(fmt.Sprintf("there is no instance %s in %s, but of an earlier one there are %s", name, m.Instance.Dir, strings.Join(things, ", ")),
			"its data directory was removed by hand; a new instance may trip over the rest", strings.Join(cures, "; "))
	})
}

// things are what is left, and the commands that remove it, in an order that works.
func (l Leftovers) things() (things, cures []string) {
	add := func(what string, names []string, cure func(string) string) {
		if len(names) == 0 {
			return
		}
		things = append(things, what+" "+strings.Join(names, ", "))
		for _, name := range names {
			cures = append(cures, cure(name))
		}
	}
	if ids := strings.Trim(fmt.Sprint(l.Processes), "[]"); ids != "" {
		add("processes", []string{ids}, func(ids string) string { return "kill -9 " + ids })
	}
	mounts := slices.Clone(l.Mounts)
	slices.Reverse(mounts) // what is mounted upon something is in its way
	add("mounts", mounts, func(name string) string { return "umount " + name })
	add("control groups", l.Cgroups, func(name string) string { return "find " + name + " -depth -type d -exec rmdir {} +" })
	add("devices", l.Devices, func(name string) string { return "ip link delete " + name })
	var tables []string
	for _, table := range l.Tables {
		tables = append(tables, table.Family+" "+table.Name)
	}
	add("tables", tables, func(name string) string { return "nft delete table " + name })
	return things, cures
}
