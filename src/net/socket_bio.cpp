#include "net/socket_bio.h"

#include "net/socket.h"

namespace postrider::net {
namespace {

SocketBioState& state_of(BIO* bio) {
    return *static_cast<SocketBioState*>(BIO_get_data(bio));
}

int read_bio(BIO* bio, char* into, std::size_t size, std::size_t* count) {
    SocketBioState& state = state_of(bio);
    BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    const IoResult result = receive_some(state.fd, {into, size});
    *count = result.count;
    switch (result.status) {
        case IoStatus::ok:
            return 1;
        case IoStatus::end:
            state.saw_end = true;
            return 0;
        case IoStatus::want_read:
        case IoStatus::want_write:
            BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
            return 0;
        case IoStatus::failed:
            state.read_error = result.error;
            return 0;
    }
    return 0;
}

int write_bio(BIO* bio, const char* bytes, std::size_t size, std::size_t* count) {
    SocketBioState& state = state_of(bio);
    BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
    *count = size;
    if (state.write_error != 0) {
        return 1;
    }
    const IoResult result = send_some(state.fd, {bytes, size});
    switch (result.status) {
        case IoStatus::ok:
            *count = result.count;
            return 1;
        case IoStatus::want_read:
        case IoStatus::want_write:
            *count = 0;
            BIO_set_flags(bio, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY);
            return 0;
        case IoStatus::end:
        case IoStatus::failed:
            state.write_error = result.error;
            return 1;
    }
    return 0;
}

long control_bio(BIO* bio, int command, long /*number*/, void* /*argument*/) {
    if (command == BIO_CTRL_FLUSH) {
        return 1;
    }
    if (command == BIO_CTRL_EOF) {
        return state_of(bio).saw_end ? 1 : 0;
    }
    return 0;
}

}  // namespace

BioMethodPtr make_socket_bio_method() {
    BioMethodPtr method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "postrider socket"));
    if (method == nullptr || BIO_meth_set_read_ex(method.get(), read_bio) != 1 ||
        BIO_meth_set_write_ex(method.get(), write_bio) != 1 ||
        BIO_meth_set_ctrl(method.get(), control_bio) != 1) {
        return nullptr;
    }
    return method;
}

BioPtr make_socket_bio(const BIO_METHOD& method, SocketBioState& state) {
    BioPtr bio(BIO_new(&method));
    if (bio != nullptr) {
        BIO_set_data(bio.get(), &state);
        BIO_set_init(bio.get(), 1);
    }
    return bio;
}

}  // namespace postrider::net
