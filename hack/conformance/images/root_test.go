package images

import "testing"

func TestFollow(t *testing.T) {
	links := map[string]string{"lib": "usr/lib", "usr/lib/libm.so": "libm.so.6", "etc/x": "/usr/x", "usr/loop": "loop"}
	for _, c := range []struct{ name, in, want string }{
		{"a file is where it is", "usr/bin/ls", "usr/bin/ls"},
		{"below a link to a directory", "lib/libc.so.6", "usr/lib/libc.so.6"},
		{"a link below a link", "lib/libm.so", "usr/lib/libm.so.6"},
		{"an absolute link", "etc/x", "usr/x"},
		{"a link to itself ends", "usr/loop", "usr/loop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := follow(links, c.in); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
