#include "config/providers.h"

#include <algorithm>
#include <utility>

#include "postrider/base/text.h"

namespace postrider::config {

namespace {

std::string text_of(const Value& value) {
    return value.kind == Value::Kind::scalar ? std::string(value.text.reveal()) : std::string();
}

Provider provider_of(Entry& entry) {
    Provider provider;
    provider.name = entry.key;
    for (Entry& key : entry.value.entries) {
        if (key.key == "advice") {
            provider.advice = text_of(key.value);
        } else if (key.key == "no_pop3") {
            provider.no_pop3 = text_of(key.value);
        } else if (key.key == "hosts") {
            for (const Value& host : key.value.items) {
                provider.hosts.push_back(text_of(host));
            }
        } else {
            if (key.key == "host") {
                provider.hosts.push_back(text_of(key.value));
            }
            provider.keys.push_back(std::move(key));
        }
    }
    return provider;
}

}  // namespace

std::vector<Provider> parse_providers(std::string_view text) {
    Document document = parse_document(std::string(text), 0);
    std::vector<Provider> all;
    for (Entry& entry : document.root.entries) {
        all.push_back(provider_of(entry));
    }
    return all;
}

const std::vector<Provider>& providers() {
    static const std::vector<Provider> all = parse_providers(providers_text());
    return all;
}

const Provider* find_provider(std::string_view name) {
    const auto found = std::find_if(providers().begin(), providers().end(),
                                    [name](const Provider& one) { return one.name == name; });
    return found == providers().end() ? nullptr : &*found;
}

std::vector<std::string> provider_names() {
    std::vector<std::string> names;
    for (const Provider& provider : providers()) {
        names.push_back(provider.name);
    }
    return names;
}

std::string advice_for_host(std::string_view host) {
    for (const Provider& provider : providers()) {
        if (std::any_of(provider.hosts.begin(), provider.hosts.end(),
                        [host](const std::string& one) { return iequals(one, host); })) {
            return provider.advice;
        }
    }
    return {};
}

}  // namespace postrider::config
