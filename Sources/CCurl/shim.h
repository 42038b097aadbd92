#ifndef FERRY_CCURL_SHIM_H
#define FERRY_CCURL_SHIM_H
#include <curl/curl.h>
#include <string.h>
#include <sys/epoll.h>
#include <zlib.h>

// Swift does not import variadic functions. libcurl's setopt and getinfo read their third argument by the option's
// type, so there is one wrapper per argument type; calling one with an option of another type is undefined.

static inline CURLcode ferry_easy_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ferry_easy_set_large(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ferry_easy_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ferry_easy_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ferry_easy_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ferry_easy_set_url(CURL *easy, CURLU *url) {
    return curl_easy_setopt(easy, CURLOPT_CURLU, url);
}

/// Write, header and read callbacks share one C signature.
static inline CURLcode ferry_easy_set_transfer_function(CURL *easy, CURLoption option, curl_write_callback callback) {
    return curl_easy_setopt(easy, option, callback);
}

static inline CURLcode ferry_easy_set_seek_function(CURL *easy, curl_seek_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, callback);
}

static inline CURLcode ferry_easy_set_open_socket_function(CURL *easy, curl_opensocket_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
}

static inline CURLcode ferry_easy_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLcode ferry_easy_get_large(CURL *easy, CURLINFO info, curl_off_t *value) {
    return curl_easy_getinfo(easy, info, value);
}

static inline CURLMcode ferry_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode ferry_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode ferry_multi_set_socket_function(CURLM *multi, curl_socket_callback callback) {
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, callback);
}

static inline CURLMcode ferry_multi_set_timer_function(CURLM *multi, curl_multi_timer_callback callback) {
    return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, callback);
}

/// Whether this libcurl was built with a resolver that does not block its caller.
static inline int ferry_resolves_in_background(void) {
    curl_version_info_data *version = curl_version_info(CURLVERSION_NOW);
    return version != NULL && (version->features & CURL_VERSION_ASYNCHDNS) != 0;
}

// `struct epoll_event` is packed on x86-64; keeping it behind these two calls keeps its layout out of Swift.

/// Adds, changes or removes `fd`; `operation` is one of EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL.
static inline int ferry_epoll_set(int epoll, int operation, int fd, unsigned int events) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = events;
    event.data.fd = fd;
    return epoll_ctl(epoll, operation, fd, &event);
}

/// Never blocks. Fills at most `capacity` (64 or less) descriptors with their events; returns how many, or -1.
static inline int ferry_epoll_poll(int epoll, int *fds, unsigned int *events, int capacity) {
    struct epoll_event ready[64];
    int count = epoll_wait(epoll, ready, capacity < 64 ? capacity : 64, 0);
    for (int i = 0; i < count; i++) {
        fds[i] = ready[i].data.fd;
        events[i] = ready[i].events;
    }
    return count;
}

// zlib is the one libcurl itself inflates with; `deflateInit2` is a macro and so needs a wrapper.

/// The most bytes `ferry_gzip` can produce for `length` bytes; 18 for gzip's own header and trailer.
static inline unsigned long ferry_gzip_bound(unsigned long length) { return compressBound(length) + 18; }

/// Compresses into gzip format in one step; returns the number of bytes written, 0 on failure.
static inline unsigned long ferry_gzip(
    const unsigned char *source, unsigned long length, unsigned char *target, unsigned long capacity) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    // 15 window bits, and 16 more to ask for gzip's wrapper instead of zlib's.
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) { return 0; }
    stream.next_in = (unsigned char *)source;
    stream.avail_in = (unsigned int)length;
    stream.next_out = target;
    stream.avail_out = (unsigned int)capacity;
    int result = deflate(&stream, Z_FINISH);
    unsigned long written = stream.total_out;
    deflateEnd(&stream);
    return result == Z_STREAM_END ? written : 0;
}
#endif
