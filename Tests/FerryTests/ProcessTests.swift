import Testing

/// Tests of the `ferry` executable as real processes. One after the other: they share servers and the machine's cores,
/// and some of them measure seconds.
@Suite(.serialized)
enum ProcessTests {}
