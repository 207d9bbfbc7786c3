// Package printer prints what a command has to tell, as a person or a program wants it: a table, a wide table, JSON or YAML.
//
// All tables of the orrery command are its own, and it promises of each of them:
//
//   - The formats have the same names everywhere, and so has the flag, -o.
//   - JSON and YAML are the whole value with the same keys; YAML is the JSON in other words. A list without entries is a list.
//   - On a terminal no line of a table is longer than the terminal is wide, unless even the shortest columns do not fit. What is
//     cut off ends in an ellipsis. Anywhere else nothing is cut off, so that what reads it misses nothing.
//   - An empty cell is a dash. A cell is one line: of several the first is shown.
//
// It knows no command and looks nothing up.
package printer
