#include "app/alerts/alert_sender.h"

#include <cerrno>
#include <csignal>
#include <memory>
#include <string_view>

#include <curl/curl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "postrider/base/file_handle.h"
#include "postrider/base/process.h"
#include "postrider/base/text.h"

namespace postrider::app {

namespace {

tl::unexpected<Error> not_told(std::string text) {
    return failure(Errc::io, Retry::later, std::move(text));
}

/// Waits for its end, and ends it and what it started when it takes too long.
Expected<void> await_end(ProcessId process, const std::string& name) {
    const FileHandle handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
    pollfd watched{handle.get(), POLLIN, 0};
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(kAlertLimit).count();
    const bool is_late = handle.is_open() && ::poll(&watched, 1, static_cast<int>(limit)) == 0;
    if (is_late) {
        ::kill(-process, SIGKILL);
    }
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    if (is_late) {
        return not_told(fmt::format("{} took longer than {}", name, to_text(kAlertLimit)));
    }
    const std::string end = end_in_words(status);
    return end.empty() ? Expected<void>() : not_told(name + " " + end);
}

Expected<void> run_program(const std::vector<std::string>& argv, const std::string& json,
                           const config::Environment& environment) {
    const auto program =
        find_program(argv.front(), environment.variable("PATH").value_or(std::string(kUsualPath)));
    if (!program) {
        return not_told(argv.front() + " there is no such program, or it cannot be run");
    }
    auto pipe = Pipe::make();
    if (!pipe) {
        return failure(pipe.error());
    }
    SpawnRequest request;
    request.program = *program;
    request.argv = argv;
    for (const auto& [name, value] : environment.variables) {
        request.environment.push_back(fmt::format("{}={}", name, value));
    }
    request.in = pipe->reading.get();
    const auto process = spawn(request);
    if (!process) {
        return failure(process.error());
    }
    pipe->reading = FileHandle();
    // Shorter than what a pipe holds: this does not wait.
    if (::write(pipe->writing.get(), json.data(), json.size()) < 0) {
        // It has ended already, or does not read: how it ends says the rest.
        pipe->writing = FileHandle();
    }
    pipe->writing = FileHandle();
    return await_end(*process, argv.front());
}

std::size_t drop_body(char* /*bytes*/, std::size_t size, std::size_t count, void* /*nothing*/) {
    return size * count;
}

Expected<void> post(const std::string& url, const std::string& json) {
    using FreeEasy = decltype([](CURL* easy) { curl_easy_cleanup(easy); });
    using FreeList = decltype([](curl_slist* list) { curl_slist_free_all(list); });
    const std::unique_ptr<CURL, FreeEasy> easy(curl_easy_init());
    const std::unique_ptr<curl_slist, FreeList> headers(
        curl_slist_append(nullptr, "Content-Type: application/json"));
    if (easy == nullptr || headers == nullptr) {
        return not_told("libcurl does not start");
    }
    const auto set = [&easy](CURLoption option, auto value) {
        curl_easy_setopt(easy.get(), option, value);
    };
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_HTTPHEADER, headers.get());
    set(CURLOPT_POSTFIELDS, json.c_str());
    set(CURLOPT_POSTFIELDSIZE, static_cast<long>(json.size()));
    set(CURLOPT_WRITEFUNCTION, drop_body);
    set(CURLOPT_NOSIGNAL, 1L);
    const long limit = std::chrono::duration_cast<std::chrono::milliseconds>(kAlertLimit).count();
    set(CURLOPT_TIMEOUT_MS, limit);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_USERAGENT, "postrider");
    const CURLcode code = curl_easy_perform(easy.get());
    if (code != CURLE_OK) {
        return not_told(fmt::format("the webhook cannot be reached: {}", curl_easy_strerror(code)));
    }
    long status = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) {
        return not_told(fmt::format("the webhook answered {}", status));
    }
    return {};
}

}  // namespace

std::string alert_json(const Alert& alert, const std::string& host) {
    const nlohmann::json object{{"event", alert.is_recovery ? "recovery" : "trouble"},
                                {"kind", alert.about.kind},
                                {"name", alert.about.name},
                                {"since", iso8601(alert.since)},
                                {"text", alert.text},
                                {"host", host}};
    return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Expected<void> send_alert(const config::Alerts& alerts, const std::string& json,
                          const config::Environment& environment) {
    return alerts.command.empty() ? post(alerts.webhook, json)
                                  : run_program(alerts.command, json, environment);
}

}  // namespace postrider::app
