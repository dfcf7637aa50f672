// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/compose_merge.h"

#include "core/connect/variables.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace portolan::connect {

namespace {

constexpr std::size_t mostNodes = 50'000;
constexpr unsigned deepestExtends = 10;

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

std::size_t nodesOf(const YamlNode &node)
{
    std::size_t count = 1;
    for (const auto &item : node.items)
        count += nodesOf(item);
    for (const auto &[key, member] : node.members)
        count += nodesOf(member);
    return count;
}

/// Each node says itself which file it is of: what is merged comes from several.
void nameSource(YamlNode &node, const std::string &source)
{
    node.source = source;
    for (auto &item : node.items)
        nameSource(item, source);
    for (auto &[key, member] : node.members)
        nameSource(member, source);
}

/// What a file resets that nothing else says.
void dropReset(YamlNode &node)
{
    std::erase_if(node.members, [](const auto &member) { return member.second.tag == YamlNode::Tag::Reset; });
    for (auto &[key, member] : node.members)
        dropReset(member);
}

bool isReplaced(std::string_view key)
{
    constexpr std::array<std::string_view, 4> whole{"command", "entrypoint", "test", "extends"};
    return std::ranges::find(whole, key) != whole.end();
}

void mergeInto(YamlNode &base, YamlNode over)
{
    for (auto &[key, value] : over.members) {
        if (value.tag == YamlNode::Tag::Reset) {
            std::erase_if(base.members, [&](const auto &member) { return member.first == key; });
            continue;
        }
        YamlNode *before = base.find(key);
        if (key == "environment") {
            listToMap(value);
            if (before)
                listToMap(*before);
        }
        const bool replaces = !before || isReplaced(key) || value.tag == YamlNode::Tag::Override;
        if (!replaces && before->kind == YamlNode::Kind::Map && value.kind == YamlNode::Kind::Map) {
            mergeInto(*before, std::move(value));
        } else if (!replaces && before->kind == YamlNode::Kind::List && value.kind == YamlNode::Kind::List) {
            std::ranges::move(value.items, std::back_inserter(before->items));
        } else {
            dropReset(value);
            if (before)
                *before = std::move(value);
            else
                base.members.emplace_back(key, std::move(value));
        }
    }
}

class Merger final
{
public:
    MergedCompose run(std::vector<YamlNode> documents)
    {
        m_merged.root.kind = YamlNode::Kind::Map;
        for (auto &document : documents)
            add(std::move(document));
        extend();
        return std::move(m_merged);
    }

private:
    static Place placeOf(const YamlNode &node) { return {node.source, node.line}; }

    void note(const YamlNode &node, const Error &why)
    {
        m_merged.mistakes.push_back(mistake(placeOf(node), "compose-file", why));
    }

    void add(YamlNode document)
    {
        const std::string source = document.source;
        nameSource(document, source);
        if (document.kind == YamlNode::Kind::Null)
            return;
        if (document.kind != YamlNode::Kind::Map)
            return note(document, noCompose());
        if (!document.find("services") && !wrapFirstVersion(document) && m_merged.root.members.empty())
            return note(document, noCompose());
        if (const YamlNode *include = document.find("include"))
            m_merged.findings.push_back({FindingKind::LeftOut, placeOf(*include).text(), "include"});
        mergeInto(m_merged.root, std::move(document));
    }

    static Error noCompose()
    {
        return wrong("it is no compose file: it has no services", "Open a docker-compose.yml or a .env");
    }

    /// The first version of compose files had services at the top. Whether this is one.
    static bool wrapFirstVersion(YamlNode &document)
    {
        const auto isService = [](const auto &member) {
            return member.second.find("image") || member.second.find("build");
        };
        if (document.members.empty() || !std::ranges::all_of(document.members, isService))
            return false;
        YamlNode services;
        services.kind = YamlNode::Kind::Map;
        services.line = document.line;
        services.source = document.source;
        services.members = std::move(document.members);
        document.members.clear();
        document.members.emplace_back("services", std::move(services));
        return true;
    }

    void extend()
    {
        YamlNode *services = m_merged.root.find("services");
        if (!services)
            return;
        m_room = mostNodes - std::min(mostNodes, nodesOf(*services));
        const YamlNode asWritten = *services;
        for (auto &[name, service] : services->members)
            if (service.find("extends"))
                service = extended(asWritten, name, 0);
    }

    YamlNode extended(const YamlNode &services, std::string_view name, unsigned depth)
    {
        YamlNode service = *services.find(name);
        const YamlNode *extends = service.find("extends");
        if (!extends)
            return service;
        const YamlNode *file = extends->find("file");
        const YamlNode *named = extends->kind == YamlNode::Kind::Scalar ? extends : extends->find("service");
        if (file || !named) { // of another file
            m_merged.findings.push_back({FindingKind::LeftOut, placeOf(*extends).text(), "extends"});
            return service;
        }
        const YamlNode *base = services.find(named->text.reveal());
        const std::size_t size = base ? nodesOf(*base) : 0;
        if (!base || depth >= deepestExtends || size > m_room) {
            note(*extends, !base           ? wrong("extends names a service that is not there")
                           : size > m_room ? wrong("services that extend others come to more than 50,000 nodes")
                                           : wrong("services extend one another more than 10 deep"));
            return service;
        }
        m_room -= size;
        YamlNode made = extended(services, named->text.reveal(), depth + 1);
        std::erase_if(made.members, [](const auto &member) { return member.first == "extends"; });
        std::erase_if(service.members, [](const auto &member) { return member.first == "extends"; });
        const std::string source = service.source;
        const unsigned line = service.line;
        mergeInto(made, std::move(service));
        made.source = source;
        made.line = line;
        return made;
    }

    MergedCompose m_merged;
    std::size_t m_room = 0;
};

} // namespace

void listToMap(YamlNode &node)
{
    if (node.kind != YamlNode::Kind::List)
        return;
    node.kind = YamlNode::Kind::Map;
    for (auto &item : node.items) {
        if (item.kind != YamlNode::Kind::Scalar)
            continue;
        const std::string_view text = item.text.reveal();
        const auto sign = text.find('=');
        std::string name(text.substr(0, sign));
        YamlNode value;
        value.line = item.line;
        value.source = item.source;
        value.quoted = true;
        if (sign != text.npos) {
            value.kind = YamlNode::Kind::Scalar;
            value.text = Secret(text.substr(sign + 1));
        }
        if (YamlNode *before = node.find(name))
            *before = std::move(value);
        else
            node.members.emplace_back(std::move(name), std::move(value));
    }
    node.items.clear();
}

MergedCompose mergeCompose(std::vector<YamlNode> documents) { return Merger().run(std::move(documents)); }

} // namespace portolan::connect
