// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/router.h"

#include "core/http/uri.h"

#include <algorithm>
#include <stdexcept>

namespace portolan::http {

/// A node of the trie over path segments. Where a path fits several templates the most literal wins, segment by
/// segment: text before `{name}` before `{name...}`.
struct Router::Node
{
    struct Endpoint
    {
        verb method;
        const Route *route;
        std::vector<std::string_view> names; ///< of its parameters in order; of the route's own path
    };
    std::vector<std::pair<std::string, std::unique_ptr<Node>>> literals;
    std::unique_ptr<Node> parameter;
    std::unique_ptr<Node> rest;
    std::vector<Endpoint> endpoints;

    Node &literal(std::string_view text)
    {
        for (auto &[key, node] : literals) {
            if (key == text)
                return *node;
        }
        return *literals.emplace_back(std::string(text), std::make_unique<Node>()).second;
    }
};

namespace {

bool isDotSegment(std::string_view text) { return text == "." || text == ".."; }

/// A name of a parameter as templates write it: a letter, then letters, digits and '_'.
bool isName(std::string_view text)
{
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !text.empty() && letter(text.front()) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

struct Segment
{
    enum class Kind { Literal, Parameter, Rest } kind = Kind::Literal;
    std::string_view text; ///< literal, or the parameter's name
};

Segment parseSegment(std::string_view text)
{
    const auto malformed = [&] { return std::logic_error("malformed route segment: " + std::string(text)); };
    if (!text.starts_with('{')) {
        if (isDotSegment(text) || text.find_first_of("{}%?#") != std::string_view::npos)
            throw malformed();
        return {Segment::Kind::Literal, text};
    }
    if (!text.ends_with('}'))
        throw malformed();
    auto name = text.substr(1, text.size() - 2);
    const bool rest = name.ends_with("...");
    if (rest)
        name.remove_suffix(3);
    if (!isName(name))
        throw malformed();
    return {rest ? Segment::Kind::Rest : Segment::Kind::Parameter, name};
}

/// Cuts the first segment off a path that starts with '/'. What is left starts with '/' or is empty.
std::string_view cutSegment(std::string_view &path)
{
    path.remove_prefix(1);
    const auto end = path.find('/');
    const auto segment = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view{} : path.substr(end);
    return segment;
}

/// The rest of a path as one parameter: decoded, and safe to be joined to a directory.
bool decodeRest(std::string_view path, std::string &out)
{
    for (auto left = path; !left.empty();) {
        const auto segment = percentDecode(cutSegment(left));
        if (!segment || isDotSegment(*segment) || segment->find_first_of("/\\") != std::string::npos)
            return false;
    }
    return percentDecodeInto(path.substr(1), out);
}

} // namespace

Router::Router() : m_root(std::make_unique<Node>()) {}
Router::~Router() = default;

Route &Router::add(verb method, std::string path, Access access, Handler handler, Doc doc)
{
    auto route = std::make_unique<Route>(Route{method, std::move(path), access, std::move(handler), doc, 0});
    route->index = m_routes.size();
    const std::string_view pattern = route->path;
    if (!pattern.starts_with('/'))
        throw std::logic_error("a route starts with '/': " + route->path);
    Node *node = m_root.get();
    std::vector<std::string_view> names;
    for (auto left = pattern; !left.empty();) {
        const auto segment = parseSegment(cutSegment(left));
        if (segment.text.empty() && !left.empty())
            throw std::logic_error("empty segment in route " + route->path);
        if (segment.kind == Segment::Kind::Literal) {
            node = &node->literal(segment.text);
            continue;
        }
        if (segment.kind == Segment::Kind::Rest && !left.empty())
            throw std::logic_error("{name...} is a route's last segment: " + route->path);
        if (names.size() == Request::maxParams)
            throw std::logic_error("too many parameters in route " + route->path);
        if (std::find(names.begin(), names.end(), segment.text) != names.end())
            throw std::logic_error("a parameter twice in route " + route->path);
        names.push_back(segment.text);
        auto &child = segment.kind == Segment::Kind::Rest ? node->rest : node->parameter;
        if (!child)
            child = std::make_unique<Node>();
        node = child.get();
    }
    for (const auto &taken : node->endpoints) {
        if (taken.method == method)
            throw std::logic_error("route taken: " + route->path + " by " + taken.route->path);
    }
    node->endpoints.push_back({method, route.get(), std::move(names)});
    return *m_routes.emplace_back(std::move(route));
}

Route &Router::get(std::string path, Access access, Handler handler, Doc doc)
{
    return add(verb::get, std::move(path), access, std::move(handler), doc);
}

Route &Router::post(std::string path, Access access, Handler handler, Doc doc)
{
    return add(verb::post, std::move(path), access, std::move(handler), doc);
}

Route &Router::put(std::string path, Access access, Handler handler, Doc doc)
{
    return add(verb::put, std::move(path), access, std::move(handler), doc);
}

Route &Router::patch(std::string path, Access access, Handler handler, Doc doc)
{
    return add(verb::patch, std::move(path), access, std::move(handler), doc);
}

Route &Router::del(std::string path, Access access, Handler handler, Doc doc)
{
    return add(verb::delete_, std::move(path), access, std::move(handler), doc);
}

/// Walks the trie with backtracking. A node is visited at most once per request, since its depth is the position in
/// the path, so the table bounds the work.
struct Router::Walk
{
    Request &request;
    verb wanted;
    const Node::Endpoint *found = nullptr;
    std::vector<verb> allowed;

    bool step(const Node &node, std::string_view left, std::size_t depth)
    {
        if (left.empty())
            return take(node, depth);
        auto after = left;
        auto segment = cutSegment(after);
        std::string decoded;
        if (segment.find('%') != std::string_view::npos) {
            if (!percentDecodeInto(segment, decoded))
                return false;
            segment = decoded;
        }
        if (isDotSegment(segment))
            return false;
        for (const auto &[text, child] : node.literals) {
            if (text == segment && step(*child, after, depth))
                return true;
        }
        if (node.parameter && !segment.empty()) {
            request.params[depth].second.assign(segment);
            if (step(*node.parameter, after, depth + 1))
                return true;
        }
        return node.rest && decodeRest(left, request.params[depth].second) && take(*node.rest, depth + 1);
    }

    bool take(const Node &node, std::size_t depth)
    {
        for (const auto &endpoint : node.endpoints) {
            if (endpoint.method == wanted) {
                found = &endpoint;
                request.paramCount = depth;
                for (std::size_t i = 0; i < depth; ++i)
                    request.params[i].first = endpoint.names[i];
                return true;
            }
        }
        for (const auto &endpoint : node.endpoints) {
            if (std::find(allowed.begin(), allowed.end(), endpoint.method) == allowed.end())
                allowed.push_back(endpoint.method);
        }
        return false;
    }
};

Router::Match Router::match(Request &request) const
{
    request.paramCount = 0;
    if (!request.path.starts_with('/'))
        return {};
    Walk walk{request, request.method == verb::head ? verb::get : request.method, nullptr, {}};
    if (!walk.step(*m_root, request.path, 0)) {
        std::sort(walk.allowed.begin(), walk.allowed.end());
        return {nullptr, std::move(walk.allowed)};
    }
    return {walk.found->route, {}};
}

bool Router::has(std::string_view path) const
{
    Request request;
    request.method = verb::get;
    request.path = path;
    const auto found = match(request);
    return found.route || !found.allowed.empty();
}

} // namespace portolan::http
