// Package nft keeps one table of the kernel's nftables as somebody wants it. It knows nothing of what the table is for.
//
//   - [Table] is the whole content of a table as data. It prints as a script that nft accepts.
//   - [Compare] finds the [Difference] between two contents. A difference is data, too: it prints, a line for a change, what will change
//     and why.
//   - [Client] reads what the kernel holds, and carries a difference out, as one transaction: packets meet the table as it was or
//     as it will be, and nothing between.
//
// # How it knows what the kernel holds
//
// The kernel does not give back what it was told: it compiles rules, and nft prints them in words of its own. So the client does not
// compare words. Right after it has written, it asks the kernel for the marks of what is there, and remembers them beside the
// content that it wrote:
//
//   - The handles of the table, its chains, sets and rules. No two tables ever have the same handle, no two things in one table either, and
//     a rule that is changed gets another. So equal handles are equal rules, in any spelling. With them go the table's flags and
//     the chains' policies, which change in place.
//   - A digest of the elements of each set and map, as the kernel encodes them. Elements that packets bring and time takes away, as the
//     clients of a service with affinity, belong to nobody and are left out.
//
// Whatever has other marks later was changed by somebody else. Rules and elements are then written again where they differ. Where
// the frame differs (the table, its flags, which chains, sets and objects there are, a chain's policy) the whole table is
// replaced, and so it is at a start and after a change that failed: nobody knows then what is there.
//
// Marks are read by netlink, without the nft program, after a write and when anybody else has changed anything: the kernel counts
// the changes to all tables of a network namespace in a generation, for which it is asked in one short question.
//
// # What it promises
//
//   - The kernel holds what was written last, or the next [Client.Read] says what is different.
//   - It touches its own table only.
//   - A change is whole or has not happened.
//
// What falls between a write and the look right after it, some milliseconds, and leaves the names and numbers of chains, rules and
// elements as they were, is taken for our own.
//
// # What it does not do
//
// It decides nothing, and does not watch by itself: [Client.Changed] is for who does. Sets of ranges are not supported yet.
package nft
