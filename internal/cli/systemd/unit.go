package systemd

import (
	"strings"
	"text/template"
)

// Unit is a service that runs a program until it is told to stop.
type Unit struct {
	// Name is the service's, without ".service".
	Name string
	// Description is a few words for a person.
	Description string
	// Program is the absolute path of the program, and Args are its arguments.
	Program string
	Args    []string
	// DataDir is the absolute path of the only directory that the program writes to, if it runs no containers.
	DataDir string
	// Containers says that the program runs containers.
	Containers bool
	// LowPort says that it listens on a port below 1024.
	LowPort bool
}

// File is the name of the unit's file.
func (u Unit) File() string { return u.Name + ".service" }

// String is the unit's file.
func (u Unit) String() string {
	var out strings.Builder
	if err := unitFile.Execute(&out, u); err != nil {
		panic(err) // unreachable: the template is tested, and memory takes every write
	}
	return out.String()
}

// Command is the command line, as systemd reads it.
func (u Unit) Command() string {
	words := []string{quote(u.Program)}
	for _, arg := range u.Args {
		words = append(words, quote(arg))
	}
	return strings.Join(words, " ")
}

// quote writes a word so that systemd takes it for what it is: neither parted, nor with anything put in the place of % and $.
func quote(word string) string {
	word = strings.NewReplacer("%", "%%", "$", "$$").Replace(word)
	if word != "" && !strings.ContainsAny(word, " \t\n\"'\\;") {
		return word
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(word) + `"`
}

// path writes a path for an option that takes a list of them.
func path(path string) string {
	return strings.NewReplacer("%", "%%", `\`, `\\`, " ", `\x20`, "\t", `\x09`).Replace(path)
}

var unitFile = template.Must(template.New("unit").Funcs(template.FuncMap{"path": path}).Parse(`[Unit]
Description={{.Description}}
Wants=network-online.target
After=network-online.target
# What is wrong for good (a lost key, a full disk) is tried five times, and then left to a person.
StartLimitIntervalSec=5min
StartLimitBurst=5

[Service]
# It says itself when it is ready: 'systemctl start' returns when the control plane can be used.
Type=notify
NotifyAccess=main
ExecStart={{.Command}}
Restart=on-failure
RestartSec=5s
TimeoutStartSec=5min
TimeoutStopSec=2min
# Keys and Secrets are in its memory: no core dump, unless somebody raises the limit.
LimitCORE=0:infinity
LimitNOFILE=1048576
{{- if .Containers}}
# Containers are not this unit's: it makes cgroups of its own for them. A stop ends them, and what a crash leaves is taken over
# by the next start.
Delegate=yes
KillMode=process
TasksMax=infinity
LimitNPROC=infinity
# A process that the kernel killed for want of memory is no reason to stop the others.
OOMPolicy=continue
OOMScoreAdjust=-500
# Nothing here may take away privileges, system calls, mounts or devices: containers inherit it, and would lack it too.
{{- else}}
# It runs no containers, so it needs nothing but its own folder and sockets.
KillMode=mixed
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet={{if .LowPort}}CAP_NET_BIND_SERVICE{{end}}
ProtectSystem=strict
ReadWritePaths={{path .DataDir}}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
{{- end}}

[Install]
WantedBy=multi-user.target
`))
