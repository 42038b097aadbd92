/// Socket types by their numbers.
///
/// `SOCK_STREAM` is a constant of an enum in a header that Glibc's module map does not list: in an optimised build, where
/// the C libraries' modules are seen first, it belongs to one of those and is out of scope elsewhere.
enum SocketType {
    /// `SOCK_STREAM`; 1 on every Linux that Swift runs on.
    static let stream: Int32 = 1
}
