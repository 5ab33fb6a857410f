#include "postrider/protocol/pop3/dialogue.h"

#include <utility>

#include "protocol/pop3/machine.h"

namespace postrider::pop3 {

Dialogue::Dialogue(Settings settings) : machine_(std::make_unique<Machine>(std::move(settings))) {}

Dialogue::~Dialogue() = default;

Event Dialogue::next(std::string_view& input) {
    return machine_->next(input);
}

std::string Dialogue::take_output() {
    return machine_->take_output();
}

void Dialogue::allow_cleartext() {
    machine_->allow_cleartext();
}

void Dialogue::bind_channel(sasl::ChannelBinding binding) {
    machine_->bind_channel(std::move(binding));
}

void Dialogue::tls_started() {
    machine_->tls_started();
}

void Dialogue::key_derived(const Secret& key) {
    machine_->key_derived(key);
}

void Dialogue::list() {
    // UIDL first: a message that arrives between the two is then only in LIST and waits (P-020).
    machine_->push({Verb::uidl, 0});
    machine_->push({Verb::list, 0});
}

void Dialogue::retr(std::uint32_t number) {
    machine_->retr(number);
}

void Dialogue::head(std::uint32_t number) {
    machine_->push({Verb::top_head, number});
}

void Dialogue::dele(std::uint32_t number) {
    machine_->push({Verb::dele, number});
}

void Dialogue::noop() {
    machine_->push({Verb::noop, 0});
}

void Dialogue::quit() {
    machine_->quit();
}

Phase Dialogue::phase() const {
    return machine_->phase();
}

const Capabilities& Dialogue::capabilities() const {
    return machine_->capabilities();
}

bool Dialogue::waits_for_capa() const {
    return machine_->waits_for_capa();
}

bool Dialogue::is_pipelining() const {
    return machine_->is_pipelining();
}

std::string Dialogue::awaited() const {
    return machine_->awaited();
}

std::size_t Dialogue::outstanding() const {
    return machine_->outstanding();
}

}  // namespace postrider::pop3
