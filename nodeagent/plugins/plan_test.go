package plugins

import (
	"testing"
	"time"
)

func TestThePlanForASocket(t *testing.T) {
	here, other := socket{inode: 1}, socket{inode: 2}
	one := registration{Plugin{Type: "CSIPlugin", Name: "one"}, here}
	for name, c := range map[string]struct {
		world World
		want  string
	}{
		"registers one that is new":                 {World{Socket: &here}, "register the plugin: it is there, and not registered"},
		"leaves one alone that is registered":       {World{Socket: &here, Registered: &one}, "nothing to do: it is registered as CSIPlugin one"},
		"deregisters one that is gone":              {World{Registered: &one}, "deregister CSIPlugin one: its socket is gone"},
		"registers one anew that has a new socket":  {World{Socket: &other, Registered: &one}, "deregister CSIPlugin one: it has a new socket\nregister the plugin: it has a new socket"},
		"tells sockets of one number by their time": {World{Socket: &socket{inode: 1, changed: time.Unix(1, 0)}, Registered: &one}, "deregister CSIPlugin one: it has a new socket\nregister the plugin: it has a new socket"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (plugins{}).Plan("s", c.world, time.Time{}).String(); got != c.want {
				t.Errorf("the plan is %q, want %q", got, c.want)
			}
		})
	}
}
