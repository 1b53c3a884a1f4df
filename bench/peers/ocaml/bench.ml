(* SPDX-License-Identifier: MIT *)
(* bench-ocaml WORKLOAD name=value …: the workloads of bench/ that OCaml has a program for. What each
   does says the C file of its name. *)

type tree = Leaf | Node of tree * tree

(* A leaf is an object of two empty references, as in the other languages. *)
let leaf () = Node (Sys.opaque_identity Leaf, Leaf)

let rec build depth =
  if depth = 0 then leaf ()
  else
    let left = build (depth - 1) in
    Node (left, build (depth - 1))

let rec count = function
  | Leaf -> 0
  | Node (Leaf, _) -> 1
  | Node (left, right) -> 1 + count left + count right

let die what =
  prerr_endline ("bench: " ^ what);
  exit 2

let parameter name otherwise =
  let start = name ^ "=" in
  let n = String.length start in
  Array.fold_left
    (fun found word ->
      if String.length word > n && String.sub word 0 n = start then
        int_of_string (String.sub word n (String.length word - n))
      else found)
    otherwise Sys.argv

let nodes depth = (2 lsl depth) - 1

let trees () =
  let depth_max = parameter "depth" 18 in
  let expect found trees depth = if found <> trees * nodes depth then die "trees: a tree lost nodes" in
  expect (count (build (depth_max + 1))) 1 (depth_max + 1);
  let lasting = build depth_max in
  let depth = ref 4 in
  while !depth <= depth_max do
    let trees = 1 lsl (depth_max - !depth + 4) in
    let found = ref 0 in
    for _ = 1 to trees do
      found := !found + count (build !depth)
    done;
    expect !found trees !depth;
    depth := !depth + 2
  done;
  expect (count lasting) 1 depth_max

type holed = { mutable left : holed option; mutable right : holed option; i : int; j : int }

let seed = ref 88172645463325252

let random () =
  let x = !seed in
  let x = x lxor (x lsl 13) in
  let x = x lxor (x lsr 7) in
  let x = x lxor (x lsl 17) in
  seed := x;
  x

let node () =
  let random = random () in
  if random land 1 = 1 then
    ignore (Sys.opaque_identity (Bytes.create (8 + ((random lsr 1) land 7 * 8))));
  { left = None; right = None; i = 0; j = 0 }

let rec populate node_at depth =
  if depth = 0 then 1
  else begin
    let left = node () in
    node_at.left <- Some left;
    let right = node () in
    node_at.right <- Some right;
    1 + populate left (depth - 1) + populate right (depth - 1)
  end

let rec build_holed depth =
  if depth = 0 then node ()
  else begin
    let left = build_holed (depth - 1) in
    let right = build_holed (depth - 1) in
    let top = node () in
    top.left <- Some left;
    top.right <- Some right;
    top
  end

let rec count_holed tree =
  let of_child = function None -> 0 | Some child -> count_holed child in
  1 + tree.i + tree.j + of_child tree.left + of_child tree.right

let gcbench () =
  let depth_max = parameter "depth" 16 in
  ignore (Sys.opaque_identity (build_holed (depth_max + 2)));
  let lasting = node () in
  ignore (populate lasting depth_max);
  let numbers = Array.init 500000 (fun i -> 1. /. float_of_int (i + 1)) in
  let depth = ref 4 in
  while !depth <= depth_max do
    let trees = 2 * nodes (depth_max + 2) / nodes !depth in
    for _ = 1 to trees do
      if populate (node ()) !depth <> nodes !depth then die "gcbench: memory was lost"
    done;
    for _ = 1 to trees do
      ignore (Sys.opaque_identity (build_holed !depth))
    done;
    depth := !depth + 2
  done;
  if count_holed lasting <> nodes depth_max || numbers.(1000) <> 1. /. 1001. then
    die "gcbench: memory was lost"

let () =
  (match if Array.length Sys.argv > 1 then Sys.argv.(1) else "" with
  | "trees" -> trees ()
  | "gcbench" -> gcbench ()
  | _ -> die "usage: bench-ocaml trees|gcbench [name=value …]");
  let stat = Gc.quick_stat () in
  Printf.printf "cycles %d\nminor_cycles %d\n" stat.major_collections stat.minor_collections
