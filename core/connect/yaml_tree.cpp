// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/yaml_tree.h"

#include "core/base/utf8.h"
#include "core/connect/variables.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <sstream>
#include <unordered_map>

namespace portolan::connect {

namespace {

constexpr std::size_t largestFile = 1024 * 1024;
constexpr std::size_t mostNodes = 10'000;
constexpr std::size_t mostLevels = 50;
constexpr std::size_t mostDocuments = 20;
constexpr std::size_t mostAnchored = 50'000; ///< nodes kept for aliases: one in several anchors is in each
constexpr std::size_t longestKey = 1024;

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

/// Ends the parser's walk: it has no other way to be stopped.
struct Stop
{
    unsigned line;
    Error error;
};

[[noreturn]] void stop(const YAML::Mark &mark, Error error)
{
    throw Stop{mark.is_null() ? 0 : unsigned(mark.line + 1), std::move(error)};
}

struct Measured
{
    YamlNode node;
    std::size_t nodes = 1;
    std::size_t levels = 1;
};

/// What the parser calls while it reads. Nodes are counted before they are made.
class Builder final : public YAML::EventHandler
{
public:
    void OnDocumentStart(const YAML::Mark &mark) override
    {
        if (m_documents.size() == mostDocuments)
            stop(mark, wrong("it has more than 20 documents"));
        m_anchors.clear();
        m_nodes = 0; // each document by itself
        m_anchored = 0;
    }
    void OnDocumentEnd() override
    {
        m_documents.push_back(std::move(m_root.node));
        m_root = {};
    }

    void OnNull(const YAML::Mark &mark, YAML::anchor_t anchor) override
    {
        add(make(mark, YamlNode::Kind::Null), anchor);
    }

    void OnScalar(const YAML::Mark &mark, const std::string &tag, YAML::anchor_t anchor,
                  const std::string &value) override
    {
        const bool plain = tag == "?";
        const bool nothing = plain && (value == "null" || value == "Null" || value == "NULL" || value == "~");
        YamlNode node = make(mark, nothing ? YamlNode::Kind::Null : YamlNode::Kind::Scalar);
        node.quoted = !plain;
        node.tag = readTag(mark, tag);
        if (!nothing)
            node.text = Secret(value);
        add(std::move(node), anchor);
    }

    void OnAlias(const YAML::Mark &mark, YAML::anchor_t anchor) override
    {
        const auto found = m_anchors.find(anchor);
        if (found == m_anchors.end())
            stop(mark, wrong("an alias stands within what it stands for"));
        count(mark, found->second.nodes, found->second.levels);
        place(mark, Measured(found->second));
    }

    void OnSequenceStart(const YAML::Mark &mark, const std::string &tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override
    {
        open(mark, tag, anchor, YamlNode::Kind::List);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark &mark, const std::string &tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override
    {
        open(mark, tag, anchor, YamlNode::Kind::Map);
    }
    void OnMapEnd() override { close(); }

    std::vector<YamlNode> take() { return std::move(m_documents); }

private:
    struct Level
    {
        Measured made;
        YAML::anchor_t anchor = 0;
        YAML::Mark mark;
        std::optional<std::string> key; ///< of a map: read, its value is next
        unsigned keyLine = 0;           ///< of it
        bool merges = false;            ///< it is `<<`
        std::vector<YamlNode> merged{};
        std::unordered_map<std::string, std::size_t> index{}; ///< of members, by key

        /// The member of that key, made where there is none; null: it is there, and stays.
        YamlNode *member(const std::string &key, bool stays)
        {
            auto &members = made.node.members;
            const auto [found, isNew] = index.try_emplace(key, members.size());
            if (isNew)
                members.emplace_back(key, YamlNode{});
            return isNew || !stays ? &members[found->second].second : nullptr;
        }
    };

    static YamlNode make(const YAML::Mark &mark, YamlNode::Kind kind)
    {
        YamlNode node;
        node.kind = kind;
        node.line = mark.is_null() ? 0 : unsigned(mark.line + 1);
        return node;
    }

    static YamlNode::Tag readTag(const YAML::Mark &mark, const std::string &tag)
    {
        constexpr std::string_view core = "tag:yaml.org,2002:";
        constexpr std::array<std::string_view, 7> harmless{"str", "int", "float", "bool", "null", "map", "seq"};
        if (tag.empty() || tag == "?" || tag == "!")
            return YamlNode::Tag::None;
        if (tag == "!reset")
            return YamlNode::Tag::Reset;
        if (tag == "!override")
            return YamlNode::Tag::Override;
        if (!tag.starts_with(core) || std::ranges::find(harmless, tag.substr(core.size())) == harmless.end())
            stop(mark, wrong("it has a tag that compose files do not know", "Leave out what begins with '!'"));
        return YamlNode::Tag::None;
    }

    void count(const YAML::Mark &mark, std::size_t nodes, std::size_t levels)
    {
        if (nodes > mostNodes - m_nodes)
            stop(mark, wrong("it has more than 10,000 nodes, what aliases stand for counted"));
        if (m_open.size() + levels > mostLevels)
            stop(mark, wrong("it is nested more than 50 deep"));
        m_nodes += nodes;
    }

    void open(const YAML::Mark &mark, const std::string &tag, YAML::anchor_t anchor, YamlNode::Kind kind)
    {
        count(mark, 1, 1);
        Level level;
        level.made.node = make(mark, kind);
        level.made.node.tag = readTag(mark, tag);
        level.anchor = anchor;
        level.mark = mark;
        m_open.push_back(std::move(level));
    }

    void close()
    {
        Level level = std::move(m_open.back());
        m_open.pop_back();
        for (auto &map : level.merged)
            for (auto &[key, node] : map.members)
                if (YamlNode *place = level.member(key, true))
                    *place = std::move(node);
        keep(level.mark, level.anchor, level.made);
        place(level.mark, std::move(level.made));
    }

    void add(YamlNode node, YAML::anchor_t anchor)
    {
        YAML::Mark mark;
        mark.line = int(node.line) - 1;
        count(mark, 1, 1);
        Measured made{std::move(node), 1, 1};
        keep(mark, anchor, made);
        place(mark, std::move(made));
    }

    void keep(const YAML::Mark &mark, YAML::anchor_t anchor, const Measured &made)
    {
        if (!anchor)
            return;
        if (made.nodes > mostAnchored - m_anchored)
            stop(mark, wrong("it has more than 50,000 nodes in its anchors"));
        m_anchored += made.nodes;
        m_anchors[anchor] = made;
    }

    /// Puts a whole node where the parser is.
    void place(const YAML::Mark &mark, Measured made)
    {
        if (m_open.empty()) {
            m_root = std::move(made);
            return;
        }
        Level &level = m_open.back();
        level.made.nodes += made.nodes;
        level.made.levels = std::max(level.made.levels, made.levels + 1);
        if (level.made.node.kind == YamlNode::Kind::List)
            level.made.node.items.push_back(std::move(made.node));
        else if (!level.key)
            takeKey(mark, level, made.node);
        else
            takeValue(mark, level, std::move(made.node));
    }

    static void takeKey(const YAML::Mark &mark, Level &level, const YamlNode &node)
    {
        if (node.kind != YamlNode::Kind::Scalar)
            stop(mark, wrong("a key is no text"));
        if (node.text.size() > longestKey)
            stop(mark, wrong("a key is longer than 1 KB"));
        level.key = std::string(node.text.reveal());
        level.keyLine = node.line;
        level.merges = !node.quoted && *level.key == "<<";
    }

    static void takeValue(const YAML::Mark &mark, Level &level, YamlNode value)
    {
        const std::string key = std::move(*level.key);
        level.key.reset();
        value.line = level.keyLine; // where people look for it: a block begins below
        if (level.merges)
            return merge(mark, level, std::move(value));
        *level.member(key, false) = std::move(value); // the last holds, as in Python's reader; Go's refuses the file
    }

    static void merge(const YAML::Mark &mark, Level &level, YamlNode value)
    {
        std::vector<YamlNode> maps;
        if (value.kind == YamlNode::Kind::List)
            maps = std::move(value.items);
        else
            maps.push_back(std::move(value));
        for (auto &map : maps) {
            if (map.kind != YamlNode::Kind::Map)
                stop(mark, wrong("what << merges is no map"));
            level.merged.push_back(std::move(map));
        }
    }

    std::vector<YamlNode> m_documents;
    Measured m_root;
    std::vector<Level> m_open;
    std::map<YAML::anchor_t, Measured> m_anchors;
    std::size_t m_nodes = 0;
    std::size_t m_anchored = 0;
};

/// What the parser says, without what it quotes of the file.
std::string withoutValue(const std::string &why) { return why.substr(0, std::min(why.find(':'), why.size())); }

/// Levels are written as brackets within brackets, or by how far lines are in; the parser walks down into the first by
/// calls within calls. Its own bound is far above ours, and a line of brackets is read before it says so.
Result<std::vector<YamlNode>> parse(std::string_view text, const Place &whole)
{
    std::istringstream stream{std::string(text)};
    Builder builder;
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const Stop &stopped) {
        return mistake({whole.source, stopped.line}, "compose-file", stopped.error);
    } catch (const YAML::Exception &error) {
        const unsigned line = error.mark.is_null() ? 0 : unsigned(error.mark.line + 1);
        return mistake({whole.source, line}, "compose-file", wrong("it is no YAML: " + withoutValue(error.msg)));
    }
    return builder.take();
}

} // namespace

const YamlNode *YamlNode::find(std::string_view key) const
{
    const auto found =
        std::ranges::find(members, key, [](const auto &member) { return std::string_view(member.first); });
    return found == members.end() ? nullptr : &found->second;
}

YamlNode *YamlNode::find(std::string_view key)
{
    return const_cast<YamlNode *>(static_cast<const YamlNode *>(this)->find(key));
}

Result<std::vector<YamlNode>> parseYaml(std::string_view text, const std::string &source)
{
    const Place whole{source, 0};
    if (text.size() > largestFile)
        return mistake(whole, "compose-file", wrong("it is larger than 1 MB"));
    if (!isUtf8(text) || text.find('\0') != text.npos)
        return mistake(whole, "compose-file", wrong("it is no text in UTF-8", "Save it as UTF-8"));
    auto documents = parse(text, whole);
    if (documents)
        for (auto &document : *documents)
            document.source = source;
    return documents;
}

} // namespace portolan::connect
