#include "app/metrics/http_server.h"

#include <utility>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "postrider/base/out_of_memory.h"
#include "postrider/event/libevent_base.h"

namespace postrider::app {

namespace {

constexpr int kIdleSeconds = 60;
constexpr int kMaxHeader = 16 * 1024;

struct FreeHttp {
    void operator()(evhttp* http) const { evhttp_free(http); }
};

std::uint16_t port_of(evutil_socket_t socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return 0;
    }
    // The casts that the socket API asks for.
    return address.ss_family == AF_INET6
               ? ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port)
               : ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

}  // namespace

struct HttpServer::Parts {
    Handler handler;
    std::unique_ptr<evhttp, FreeHttp> http;
    evhttp_bound_socket* bound = nullptr;

    static void on_request(evhttp_request* request, void* self) {
        const evhttp_uri* const uri = evhttp_request_get_evhttp_uri(request);
        const char* const path = uri != nullptr ? evhttp_uri_get_path(uri) : nullptr;
        const Answer answer =
            static_cast<Parts*>(self)->handler(path != nullptr ? path : std::string());
        evkeyvalq* const headers = evhttp_request_get_output_headers(request);
        evhttp_add_header(headers, "Content-Type", answer.type.c_str());
        evhttp_add_header(headers, "Cache-Control", "no-store");
        evbuffer* const body = evhttp_request_get_output_buffer(request);
        if (evbuffer_add(body, answer.body.data(), answer.body.size()) != 0) {
            out_of_memory();
        }
        evhttp_send_reply(request, answer.status, nullptr, nullptr);
    }
};

Expected<std::unique_ptr<HttpServer>> HttpServer::listen(event::Loop& loop,
                                                         const std::string& address,
                                                         std::uint16_t port, Handler handler) {
    auto parts = std::make_unique<Parts>();
    parts->handler = std::move(handler);
    parts->http.reset(evhttp_new(event::libevent_base(loop)));
    if (parts->http == nullptr) {
        out_of_memory();
    }
    evhttp_set_allowed_methods(parts->http.get(), EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_max_body_size(parts->http.get(), 0);
    evhttp_set_max_headers_size(parts->http.get(), kMaxHeader);
    evhttp_set_timeout(parts->http.get(), kIdleSeconds);
    evhttp_set_gencb(parts->http.get(), &Parts::on_request, parts.get());
    parts->bound = evhttp_bind_socket_with_handle(parts->http.get(), address.c_str(), port);
    if (parts->bound == nullptr) {
        return failure(Errc::config, Retry::never,
                       fmt::format("metrics.listen: nothing can listen on {} port {}: it is in "
                                   "use, or no address of this machine",
                                   address, port));
    }
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(parts)));
}

HttpServer::HttpServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const {
    return port_of(evhttp_bound_socket_get_fd(parts_->bound));
}

}  // namespace postrider::app
